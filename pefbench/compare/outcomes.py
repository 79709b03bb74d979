"""Reads the predictions of final trials, scores them on resamples, and checks that the trials are comparable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.metrics import make
from pefbench.results import predictions
from pefbench.results.signature import of_value
from pefbench.results.store import Stored
from pefbench.stats.resampling import Scores, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.compare.plan import Outcome
    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.schema import Result
    from pefbench.stats.resampling import Array, Weighted

ALIKE = "data", "model", "precision", "metric"


def read_rows(outcome: Outcome) -> list[AnsweredExample]:
    """A finished trial's predictions: `prediction`, `reference` and `correct` for each test example.

    Raises DataError if they are missing or damaged.
    """
    file = predictions.file_of(Stored(outcome.path, _result(outcome)))
    again = f"remove {outcome.path.name} to run the trial again"
    if file is None:
        raise DataError(f"{outcome.path}: no predictions of {outcome.planned.text} beside it; {again}")
    try:
        return predictions.read(file)
    except DataError as error:
        raise DataError(f"{error}: the predictions of {outcome.planned.text}; {again}") from None


def identity(outcome: Outcome, metric: str) -> dict[str, str]:
    """What must be the same in all compared trials, by the names in ALIKE."""
    result = _result(outcome)
    values = (
        result["data"]["fingerprint"],
        result["model"]["fingerprint"],
        result["provenance"]["precision"],
        of_value(result["metrics"]["test"][metric]["signature"]),
    )
    return dict(zip(ALIKE, values, strict=True))


def refuse_unlike(finals: Sequence[Outcome], rows: Sequence[Sequence[AnsweredExample]], metric: str) -> None:
    """Raise DataError unless all trials have the same data, weights, precision, metric and test examples."""
    first = identity(finals[0], metric)
    references = [row["reference"] for row in rows[0]]
    for outcome, answers in zip(finals, rows, strict=True):
        for what, value in identity(outcome, metric).items():
            if value != first[what]:
                raise DataError(
                    f"{outcome.planned.text} and {finals[0].planned.text} differ in {what} ({value} and {first[what]}) "
                    f"and cannot be compared; remove {outcome.path} to run it again"
                )
        if [row["reference"] for row in answers] != references:
            raise DataError(f"{outcome.path}: its predictions are for other test examples than the first trial's")


def scores(finals: Sequence[Outcome], rows: Sequence[Sequence[AnsweredExample]], metric: str) -> Scores:
    """One method's scores on the test split and on resamples of it.

    Raises DataError if the score of the predictions differs from the one in the result file.
    """
    runs = [_weighted(answers, metric, _result(outcome)) for outcome, answers in zip(finals, rows, strict=True)]
    found = resample(runs, len(rows[0]), clusters=predictions.clusters(rows[0]))
    for outcome, value in zip(finals, found.values, strict=True):
        told = _result(outcome)["metrics"]["test"][metric]["value"]
        if not math.isclose(told, value, rel_tol=1e-9, abs_tol=1e-9):
            raise DataError(f"{outcome.path}: {metric} is {told} in the result, {value} from its predictions")
    return found


def are_fractions_right(found: Sequence[Scores], rows: Sequence[Sequence[Sequence[AnsweredExample]]]) -> bool:
    """Whether the metric is the fraction of correct examples, as accuracy is: McNemar's test needs that."""
    return all(
        math.isclose(value, sum(row["correct"] for row in answers) / len(answers), abs_tol=1e-9)
        for method, runs in zip(found, rows, strict=True)
        for value, answers in zip(method.values, runs, strict=True)
    )


def _weighted(rows: Sequence[AnsweredExample], name: str, result: Result) -> Weighted:
    metrics = [make(named) for named in result["recipe"]["evaluate"]["metrics"]]
    metric = next(each for each in metrics if name in each.higher_is_better)
    values = metric.weighted(*metric.take([row["prediction"] for row in rows], [row["reference"] for row in rows]))

    def run(weights: Array) -> Array:
        chosen: Array = values(weights)[name]
        return chosen

    return run


def _result(outcome: Outcome) -> Result:
    if outcome.result is None:
        raise AssertionError(f"{outcome.planned.text} is not finished")
    return outcome.result
