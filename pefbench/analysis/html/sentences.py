"""A group's verdict in a sentence, and its caveats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables import paired_runs
from pefbench.analysis.tables.replicates import ran_on_several_machines
from pefbench.analysis.tables.wording import interval
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.analysis.tables.marks import Mark, Tests
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.analysis.tables.row import BaselineColumns

NAMED = 3
_OPEN = {"undecided", "equivalent", "overlapping"}
_HOW = {
    (True, False): "the paired test",
    (False, True): "their intervals alone",
    (True, True): "the paired test (or their intervals, where it was not run)",
}


def verdict(members: Sequence[Replicates], marks: Sequence[Mark], tests: Tests) -> str:
    """The best setting, those not shown to be worse, and the cheapest of these."""
    best = members[0]
    score = f"{best.first['headline']} {interval(best.value, best.low, best.high, reliable=best.reliable)}"
    if len(members) == 1:
        return f"Only {best.name} was tried: {score}."
    kind = "highest" if best.sign > 0 else "lowest"
    sentence = f"{best.name} has the {kind} {score} of {len(members)}"
    if any(paired := paired_runs.with_best([each.trials[0] for each in members])):
        differ = sum(each is not None and each.differ for each in paired)
        return f"{sentence} runs; {differ} of the others differ from it by the paired test, which compares single runs."
    undecided = [each for each, mark in zip(members, marks, strict=True) if mark in _OPEN]
    if not undecided:
        return f"{sentence}{_apart(members, tests)}."
    how = _HOW[bool({"undecided", "equivalent"} & {*marks}), "overlapping" in marks]
    sentence += f", but by {how} {_listed(undecided)} {'is' if len(undecided) == 1 else 'are'} not shown to be worse"
    sized = [(each.trained, each.name, each) for each in [best, *undecided] if each.trained is not None]
    if len(sized) <= len(undecided):
        return f"{sentence}."  # an imported run does not say how many weights it trained
    trained, _, cheapest = min(sized, key=lambda each: each[:2])
    weights = f"{readable(trained)} ({cheapest.trained_percent or 0:.3g} %)"
    # With few seeds a large difference can be undecided, so the score is shown.
    at = (
        ""
        if cheapest is best
        else f", at {interval(cheapest.value, cheapest.low, cheapest.high, reliable=cheapest.reliable)},"
    )
    return f"{sentence}; of these {cheapest.name}{at} trains the fewest weights, {weights}."


def _apart(members: Sequence[Replicates], tests: Tests) -> str:
    best, *others = members
    untested = [each for each in others if tests.answer(best, each) is None]
    if not untested:
        return ", and the paired test shows each of the others to be worse"
    if any(each.low is None for each in (best, *untested)):
        return ""  # without an interval, chance cannot be judged
    if len(untested) < len(others):
        return ", and each of the others is shown to be worse, by the paired test or by intervals that do not overlap"
    return ", and its interval overlaps none of theirs"


def caveats(members: Sequence[Replicates], baselines: Sequence[BaselineColumns]) -> list[str]:
    """Caveats for a reader of the verdict."""
    return list(_caveats(members, baselines))


def _caveats(members: Sequence[Replicates], baselines: Sequence[BaselineColumns]) -> Iterator[str]:
    rows = zip(members, baselines, strict=True)
    if weak := [each for each, row in rows if row["beats_baseline"] is False]:
        yield f"Not shown to beat the best trivial baseline: {_listed(weak)}."
    if doubtful := [each for each in members if not each.reliable]:
        yield f"The interval (?) may be too short, as few test examples decide the value: {_listed(doubtful)}."
    if all(row["baseline"] is None for row in baselines):
        yield "No trivial baseline was recorded, so the scores do not say how hard the task is."
    if any(len(each.trials) == 1 for each in members):
        yield "Settings with one seed: their intervals cover test examples only, not repeated training."
    if ran_on_several_machines(members):
        yield "The trials ran on different machines or thread counts, so times and memory are not exactly comparable."


def _listed(settings: Sequence[Replicates]) -> str:
    names = [each.name for each in settings]
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
