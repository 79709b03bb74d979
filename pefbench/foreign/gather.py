"""Finds the runs in files and folders of other tools, each run once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pefbench.errors import DataError, UserError, suggest
from pefbench.foreign import aggregated, harness, method_comparison
from pefbench.foreign.aggregated import Aggregated, date_of
from pefbench.foreign.harness import Evaluation, NothingScoredError
from pefbench.foreign.reading import read_json
from pefbench.results.schema import read_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from pefbench.foreign.imported import Imported

KINDS = (
    "a log samples_*.jsonl or a results_*.json of lm-evaluation-harness, or a result file of PEFT's method_comparison"
)


@dataclass
class Found:
    """The runs found in files; logs are not read yet."""

    evaluations: dict[tuple[Path, str], Evaluation] = field(default_factory=dict)
    """By results file (or log if there is none) and task, since a user may name both a log and its results file."""

    comparisons: dict[Path, dict[str, object]] = field(default_factory=dict)
    """PEFT's files, as JSON."""

    passed_over: list[str] = field(default_factory=list)
    """What was not imported, and why."""


def find(paths: Iterable[Path]) -> Found:
    """Find the runs in these files, and in these folders and their subfolders.

    Raises UserError for a path that does not exist or has no file of a known kind, and DataError for a damaged file.
    Files in a folder that are not valid JSON may belong to another tool, and are skipped.
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
            raise UserError(f"{path}: nothing to import in it; expected {KINDS}")
    return found


def imported(found: Found, questions: int | None, metric: str | None) -> list[Imported]:
    """The runs as results; adds skipped runs to `found.passed_over`. questions, metric: as in `harness.imported`.

    Raises UserError for a metric that no task has or if nothing is left, and DataError for damaged files.
    """
    runs = _evaluated(found, questions, metric)
    runs += _newest(found, [method_comparison.imported(*each, questions) for each in found.comparisons.items()])
    if not runs:
        raise UserError(found.passed_over[0])
    return runs


def _evaluated(found: Found, questions: int | None, metric: str | None) -> list[Imported]:
    runs = []
    for evaluation in found.evaluations.values():
        try:
            runs.append(harness.imported(evaluation, questions, metric))
        except NothingScoredError as error:
            found.passed_over.append(str(error))
    if metric is not None and not any(harness.is_named(run.result["headline"], metric) for run in runs):
        known = {name for run in runs for name in run.result["metrics"]["test"]}
        raise UserError(f"--metric: no task has {metric!r}; {suggest(metric, known)}")
    return runs


def _newest(found: Found, runs: list[Imported]) -> list[Imported]:
    """For each experiment and seed of PEFT's benchmark, the last finished run, as PEFT itself shows them."""

    def order(run: Imported) -> tuple[bool, datetime]:
        return run.result["status"] == "finished", read_time(run.result["provenance"]["started"])

    kept: dict[str, Imported] = {}
    for run in sorted(runs, key=order):
        if older := kept.get(run.result["id"]):
            names = [*older.result["foreign"]["files"], *run.result["foreign"]["files"]]
            found.passed_over.append(f"{names[0]}: {names[1]} is a later run of the same experiment and seed")
        kept[run.result["id"]] = run
    return [run for run in runs if kept[run.result["id"]] is run]


def _add(found: Found, path: Path, *, named: bool) -> None:
    """Add the runs in a file. named: by the user; other files in a folder may be of a different kind."""
    if path.suffix == ".jsonl":
        _add_log(found, path, named=named or path.name.startswith("samples_"))
        return
    try:
        value = read_json(path)
    except DataError as error:
        if named or path.name.startswith("results"):
            raise
        found.passed_over.append(str(error))
        return
    if method_comparison.is_one(value):
        found.comparisons[path.resolve()] = value
    elif aggregated.is_one(value):
        results = Aggregated(path, value)
        for task in results.tasks:
            log = path.with_name(f"samples_{task}{date_of(path)}.jsonl")
            _put(found, Evaluation(task, results, log if log.is_file() else None))
    elif named:
        raise DataError(f"{path}: expected {KINDS}")


def _add_log(found: Found, path: Path, *, named: bool) -> None:
    """Add a log. named: known to be one, from the user or its name; otherwise it must end with a known task's name."""
    results, stem = results_beside(path), path.stem.removesuffix(date_of(path)).removeprefix("samples_")
    # Before 0.4.3 a log was named after the model's arguments and the task.
    known = [task for task in results.tasks if stem == task or stem.endswith(f"_{task}")] if results else []
    if known or named:
        _put(found, Evaluation(max(known, key=len, default=stem), results, path))


def _put(found: Found, evaluation: Evaluation) -> None:
    file = evaluation.results.path if evaluation.results else evaluation.path
    key = file.resolve(), evaluation.task
    known = found.evaluations.get(key)
    if known is None or known.log is None:
        found.evaluations[key] = evaluation


def results_beside(log: Path) -> Aggregated | None:
    """The results file of a log, in its folder and with the same date; None if there is none."""
    date = date_of(log)
    for path in sorted(log.parent.glob(f"*{date}.json" if date else "results.json")):
        if aggregated.is_one(value := read_json(path)):
            return Aggregated(path, value)
    return None
