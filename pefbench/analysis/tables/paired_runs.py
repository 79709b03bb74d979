"""Paired tests between imported runs of one task, question by question.

A tool's log covers one run of each model. So a small p says that these runs differ on these questions, and nothing
about the methods behind them: another seed may reverse the result. Right and wrong answers are compared by McNemar's
exact test, other scores by Student's paired t test. Holm's correction covers all pairs of a group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pefbench.analysis.tables.groups import headline
from pefbench.errors import DataError
from pefbench.results import predictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pefbench.results.store import Stored

LEVEL = 0.05
ONE_RUN = "one run each, p after Holm over all pairs: this compares the runs, not the methods behind them"
LEGEND = (
    "Paired with the best: questions that only this run gets right : that only the best gets right (McNemar), or the "
    f"mean difference (paired t); {ONE_RUN}."
)
UNPAIRED = "imported without the headline's value for each question, so those runs are not paired"


@dataclass(frozen=True)
class PairedRuns:
    """Two runs on the same questions. counts: what only each one has right; None if answers are not right or wrong."""

    questions: int
    difference: float
    counts: tuple[int, int] | None
    p: float

    @property
    def differ(self) -> bool:
        """Whether the runs are shown to differ."""
        return self.p < LEVEL

    @property
    def cell(self) -> str:
        """The text in a table: ``12 : 30, p 0.008, differ``."""
        what = f"{self.difference:+.3f}" if self.counts is None else f"{self.counts[0]} : {self.counts[1]}"
        return f"{what}, {self._spelt_p}, {'differ' if self.differ else 'undecided'}"

    def sentence(self, name: str, best: str) -> str:
        """The result as a sentence, without a full stop."""
        what = f"mean difference {self.difference:+.3f}, paired t"
        if self.counts is not None:
            what = f"{self.counts[0]} that it alone has right, {self.counts[1]} that {best} alone has right, McNemar"
        verdict = "these runs differ" if self.differ else "undecided"
        return f"{name} on the same {self.questions:,} questions: {what} {self._spelt_p}: {verdict}"

    @property
    def _spelt_p(self) -> str:
        return "p < 0.001" if self.p < 0.001 else f"p {self.p:.3f}"


def with_best(runs: Sequence[Stored]) -> list[PairedRuns | None]:
    """Each run of a group, the best first, against the best; None for the best itself and for runs without answers."""
    answers = [_readable(stored)[0] for stored in runs]
    same = answers[0] and answers[0].digests
    scores = {place: each.scores for place, each in enumerate(answers) if each and each.digests == same}
    right = 1 if headline(runs[0].result)["higher_is_better"] else 0
    tested = _tested(scores, right) if len(scores) > 1 and 0 in scores else {}
    return [tested.get((place, 0)) for place in range(len(runs))]


def lines(runs: Sequence[Stored], names: Sequence[str]) -> list[str]:
    """A sentence for each run paired with the first (the best of its group), and a caveat."""
    found = [
        each.sentence(name, names[0]) for name, each in zip(names, with_best(runs), strict=True) if each is not None
    ]
    return [*found, ONE_RUN] if found else []


def notes(groups: Iterable[Sequence[Stored]]) -> Iterator[str]:
    """Which runs are not paired, and why: damaged answers, or runs of one task whose questions differ."""
    kept: dict[tuple[str, ...], tuple[str, Mapping[int, str]]] = {}
    unpaired: dict[str, None] = {}  # tasks, in their order
    for runs in groups:
        foreign = [stored for stored in runs if "foreign" in stored.result]
        found = [(stored.result, *_readable(stored)) for stored in foreign]
        yield from (f"not paired: {problem}" for _, _, problem in found if problem)
        answered = [(result, answers) for result, answers, _ in found if answers]
        if len(foreign) > 1 and not answered:
            unpaired[str(foreign[0].result["recipe"]["task"])] = None
        for result, answers in answered[:1]:
            name, task = result["recipe"]["name"], result["recipe"]["task"]
            key = (result["foreign"]["tool"], task, result["headline"])
            other, known = kept.setdefault(key, (name, answers.digests))
            if known != answers.digests:
                yield f"not paired on {task}: {other} and {name}: {_unlike(known, answers.digests)}"
    if unpaired:
        yield f"{', '.join(unpaired)}: {UNPAIRED}"


@dataclass(frozen=True)
class _Answers:
    """The hash of each question by its number, and the headline metric on each, in the same order."""

    digests: dict[int, str]
    scores: list[float]


def _answers(stored: Stored) -> _Answers | None:
    """An imported run's answers; None if they were not kept, and for pefbench's own results.

    Raises DataError if they are damaged.
    """
    file = predictions.file_of(stored) if "foreign" in stored.result else None
    rows = sorted(predictions.read(file), key=lambda row: row["id"]) if file else []
    name = stored.result.get("headline", "")
    scores = [row["scores"][name] for row in rows if name in row.get("scores", {})]
    return (
        _Answers({row["id"]: row.get("digest", "") for row in rows}, scores) if len(scores) == len(rows) > 0 else None
    )


def _readable(stored: Stored) -> tuple[_Answers | None, str]:
    """What `_answers` returns, and the reason if the answers cannot be read."""
    try:
        return _answers(stored), ""
    except DataError as error:
        return None, str(error)


def _unlike(first: Mapping[int, str], second: Mapping[int, str]) -> str:
    both = first.keys() & second.keys()
    differ, alone = sum(first[each] != second[each] for each in both), len(first.keys() ^ second.keys())
    parts = [f"{differ:,} of {len(both):,} questions differ"] if differ else []
    return " and ".join([*parts, *([f"{alone:,} questions are only in one of them"] if alone else [])])


def _tested(scores: Mapping[int, Sequence[float]], right: int) -> dict[tuple[int, int], PairedRuns]:
    """All pairs (later, earlier), with Holm's correction over all: the best run was chosen on these same questions.

    right: the score of a right answer if all scores are 0 or 1.
    """
    from pefbench.stats.holm import holm

    pairs = [(later, earlier) for earlier, later in combinations(scores, 2)]
    found = [_pair(scores[one], scores[other], right) for one, other in pairs]
    adjusted = holm([each.p for each in found])
    return {
        pair: PairedRuns(each.questions, each.difference, each.counts, p)
        for pair, each, p in zip(pairs, found, adjusted, strict=True)
    }


def _pair(first: Sequence[float], second: Sequence[float], right: int) -> PairedRuns:
    from pefbench.stats.mcnemar import mcnemar

    differences = [one - other for one, other in zip(first, second, strict=True)]
    mean = math.fsum(differences) / len(differences)
    if {*first, *second} <= {0, 1}:
        test = mcnemar([score == right for score in first], [score == right for score in second])
        return PairedRuns(len(first), mean, (test.only_first, test.only_second), test.p)
    return PairedRuns(len(first), mean, None, _t(differences))


def _t(differences: Sequence[float]) -> float:
    """The p-value of Student's paired t test; 1 if all differences are equal, so that their spread is unknown."""
    from scipy import stats

    if len(set(differences)) < 2:
        return 1.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)
