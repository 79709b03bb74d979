"""The per-sample log of one task of lm-evaluation-harness: ``samples_<task>_<date>.jsonl``.

A line is one question under one filter, which extracts the answer from the text. Lines name their filter since 0.4.8;
before, a question's lines are in the order of the filters. The hash of the question (`doc_hash`) exists since 0.4.3; if
missing, it is recomputed from the question. Up to 0.4.2 the file is a single JSON list.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, counted, quoted
from pefbench.foreign.reading import JsonObject, parsed, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_NO_METRIC = frozenset(
    {
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
        *("doc_hash", "prompt_hash", "target_hash", "bypass"),
    }
)
"""Keys of a line that are not metrics: the line's own, and the metric that measures nothing."""
NO_FILTER = "none"


@dataclass(frozen=True)
class Sample:
    """One question under one filter. place: its file and line, for messages."""

    place: str
    question: int
    digest: str
    filter: str | None
    target: Any
    answer: Any
    scores: JsonObject
    """Metric -> what the harness aggregates: a number, or a pair for a corpus metric."""


@dataclass(frozen=True)
class Samples:
    """All questions of a task, by filter in the file's order; each filter has the same questions, sorted."""

    by_filter: dict[str, list[Sample]]

    @property
    def questions(self) -> list[Sample]:
        """The questions, under the first filter."""
        return next(iter(self.by_filter.values()))


def read(path: Path, filters: Sequence[str] = ()) -> Samples:
    """Read a log. filters: the task's filters in the results file, for logs whose lines do not name them.

    Raises DataError, with the line, for a damaged log, a repeated question or a question without a score.
    """
    found: dict[str, dict[int, Sample]] = {}
    seen: dict[int, int] = {}
    for sample in _samples(path):
        name = sample.filter
        if name is None:
            times = seen[sample.question] = seen.get(sample.question, 0) + 1
            name = _unnamed(sample, times, filters)
        questions = found.setdefault(name, {})
        if first := questions.get(sample.question):
            raise DataError(
                f"{sample.place}: doc_id {sample.question} appears a second time under filter {name!r} (first "
                f"on line {first.place.rpartition(':')[2]}); was the log written twice? keep each question once"
            )
        questions[sample.question] = sample
    by_filter = {name: [questions[each] for each in sorted(questions)] for name, questions in found.items()}
    _refuse_unlike(path, by_filter)
    return Samples(by_filter)


def _samples(path: Path) -> Iterator[Sample]:
    for place, value in _values(path):
        if not isinstance(value, dict) or type(value.get("doc_id")) is not int or not _is_hashed(value):
            raise DataError(f"{place}: not a sample of lm-evaluation-harness (doc_id, doc_hash or doc)")
        scores = {name: value[name] for name in _metrics(place, value)}
        if not scores:
            raise DataError(
                f"{place}: a sample without a metric; log it with metrics, or import the results file alone"
            )
        for name, score in scores.items():
            if isinstance(score, float) and not math.isfinite(score):
                raise DataError(f"{place}: {name} is {score}, which is not a score")
        answers = _finite(value.get("filtered_resps"))
        yield Sample(
            place,
            value["doc_id"],
            value.get("doc_hash") or _hash(value["doc"]),
            value["filter"] if isinstance(value.get("filter"), str) else None,
            _finite(value.get("target")),
            answers[0] if isinstance(answers, list) and len(answers) == 1 else answers,
            scores,
        )


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line, or each item of a list, and its place."""
    content = read_text(path)
    if content.lstrip().startswith("["):
        for position, item in enumerate(parsed(content, path), start=1):
            yield f"{path}:item {position}", item
        return
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except (ValueError, RecursionError):
                raise DataError(f"{path}:{number}: damaged JSON; is the file complete?") from None


def _finite(value: Any) -> Any:
    """A value with NaN and infinity, which JSON lacks, as text, as the harness itself writes them since 0.4.3."""
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _is_hashed(value: JsonObject) -> bool:
    return isinstance(value.get("doc_hash"), str) or "doc" in value


def _hash(document: object) -> str:
    """The harness's hash of a question, also for versions that did not write it."""
    return hashlib.sha256(json.dumps(document, indent=2, ensure_ascii=False).encode()).hexdigest()


def _metrics(place: str, value: JsonObject) -> list[str]:
    named = value.get("metrics")
    if not isinstance(named, list):
        return [name for name in value if name not in _NO_METRIC]
    for name in named:
        if name not in value:
            raise DataError(f"{place}: no value of {quoted(name)}, one of the sample's metrics")
    return [name for name in named if name not in _NO_METRIC]


def _unnamed(sample: Sample, times: int, filters: Sequence[str]) -> str:
    """The filter of a line that does not name it: a question's first line is under the first filter, and so on."""
    if times <= len(filters):
        return filters[times - 1]
    if times == 1:
        return NO_FILTER
    known = counted(len(filters), "filter") if filters else "no results file beside it that names filters"
    raise DataError(
        f"{sample.place}: doc_id {sample.question} appears {times} times without a filter's name, and there is {known}"
    )


def _refuse_unlike(path: Path, by_filter: dict[str, list[Sample]]) -> None:
    (first, wanted), *others = [
        (name, {each.question: each.digest for each in samples}) for name, samples in by_filter.items()
    ]
    for name, found in others:
        if unlike := len(wanted.items() ^ found.items()):
            raise DataError(
                f"{path}: filters {first!r} and {name!r} cover different questions "
                f"({counted(unlike, 'line')}); is the log complete?"
            )
    for samples in by_filter.values():
        names = samples[0].scores.keys()
        for each in samples:
            if each.scores.keys() != names:
                missing = sorted(names ^ each.scores.keys())
                raise DataError(f"{each.place}: other metrics than the first sample's: {', '.join(missing)}")
