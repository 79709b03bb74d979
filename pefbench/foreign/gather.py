"""What files and folders of other tools hold, each run once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pefbench.errors import DataError, UserError
from pefbench.foreign import aggregated, harness, method_comparison
from pefbench.foreign.aggregated import Aggregated, date_of
from pefbench.foreign.harness import Evaluation
from pefbench.foreign.reading import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pefbench.foreign.imported import Imported

KINDS = (
    "a log samples_*.jsonl or a results_*.json of lm-evaluation-harness, or a result file of PEFT's method_comparison"
)


@dataclass
class Found:
    """Runs in files, read but for the logs."""

    evaluations: dict[tuple[str, str, str], Evaluation] = field(default_factory=dict)
    """By folder, date and task: a log and its results file may both be named."""

    comparisons: dict[Path, dict[str, object]] = field(default_factory=dict)
    """PEFT's files, as JSON."""


def find(paths: Iterable[Path]) -> Found:
    """The runs in these files, and in these folders with what lies below them.

    Raises UserError for a path that is not there or holds nothing of the kinds known, DataError for a damaged file.
    """
    found = Found()
    for path in paths:
        if not path.is_dir():
            _add(found, path, named=True)
            continue
        before = len(found.evaluations) + len(found.comparisons)
        for file in sorted(each for each in path.rglob("*.json*") if each.is_file()):
            _add(found, file, named=False)
        if len(found.evaluations) + len(found.comparisons) == before:
            raise UserError(f"{path}: nothing to import below it: neither {KINDS}")
    return found


def imported(found: Found, questions: int | None, metric: str | None) -> Iterator[Imported]:
    """The runs as results. questions, metric: as `harness.imported` takes them."""
    for evaluation in found.evaluations.values():
        yield harness.imported(evaluation, questions, metric)
    for path, value in found.comparisons.items():
        yield method_comparison.imported(path, value, questions)


def accuracies(found: Found) -> list[float]:
    """The accuracies on test in PEFT's files, which do not say of how many questions."""
    return [
        method_comparison.accuracy_of(path, value)
        for path, value in found.comparisons.items()
        if method_comparison.is_finished(value)
    ]


def fitting_questions(accuracies: Sequence[float], most: int = 20_000) -> int | None:
    """The smallest number of questions of which every accuracy is a whole number of right answers, if there is one."""
    return next((number for number in range(1, most) if all(_fits(each, number) for each in accuracies)), None)


def _fits(accuracy: float, questions: int) -> bool:
    return abs(accuracy * questions - round(accuracy * questions)) <= 1e-9 * questions


def _add(found: Found, path: Path, *, named: bool) -> None:
    """Add what a file holds. named: by the user; what merely lies in a folder may be of another kind."""
    if path.suffix == ".jsonl":
        if named or path.name.startswith("samples_"):
            _add_log(found, path, results_beside(path))
        return
    value = read_json(path)
    if method_comparison.is_one(value):
        found.comparisons[path.resolve()] = value
    elif aggregated.is_one(value):
        results = Aggregated(path, value)
        for task in results.tasks:
            log = path.with_name(f"samples_{task}{date_of(path)}.jsonl")
            _put(found, Evaluation(task, results, log if log.is_file() else None))
    elif named:
        raise DataError(f"{path}: neither {KINDS}")


def _add_log(found: Found, path: Path, results: Aggregated | None) -> None:
    stem = path.stem.removesuffix(date_of(path)).removeprefix("samples_")
    # Before 0.4.3 a log was named after the model's arguments and the task.
    known = [task for task in results.tasks if stem == task or stem.endswith(f"_{task}")] if results else []
    _put(found, Evaluation(max(known, key=len, default=stem), results, path))


def _put(found: Found, evaluation: Evaluation) -> None:
    key = str(evaluation.path.resolve().parent), date_of(evaluation.path), evaluation.task
    known = found.evaluations.get(key)
    if known is None or known.log is None:
        found.evaluations[key] = evaluation


def results_beside(log: Path) -> Aggregated | None:
    """The results file of a log: in its folder, of the same date."""
    date = date_of(log)
    for path in sorted(log.parent.glob(f"*{date}.json" if date else "results.json")):
        if aggregated.is_one(value := read_json(path)):
            return Aggregated(path, value)
    return None
