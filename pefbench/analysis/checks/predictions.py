"""The paired test of two trials' answers to the same test examples. Its libraries are imported only when it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pefbench.analysis.checks.model import LEVEL
from pefbench.errors import PefbenchError
from pefbench.results.predictions import clusters, file_of, read
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from pefbench.analysis.checks.seeds import SeedGroup
    from pefbench.results.predictions import AnsweredExample
    from pefbench.results.store import Stored
    from pefbench.stats.resampling import Weighted

    Values = Callable[[npt.NDArray[Any]], Mapping[str, npt.NDArray[Any]]]


@dataclass(frozen=True)
class Paired:
    """One metric of two trials, on the same resamples of the examples.

    difference: new minus old with its interval (of this pair alone); None if every answer is the same.
    p: two-sided, after Holm's correction over all `tests` of the check. seeds: how many old and new runs are compared;
    (1, 1): one run each, compared by examples alone. means: of old and new runs. own_p: p before the correction.
    error, freedom: the standard error over seeds, and its degrees of freedom. detectable: the smallest change that the
    test would have shown in 80 % of cases, at the level that Holm's correction leaves for it; None for one run each.
    """

    difference: tuple[float, float, float] | None
    p: float
    tests: int = 0
    seeds: tuple[int, int] = (1, 1)
    means: tuple[float, float] | None = None
    own_p: float = 1.0
    error: float = 0.0
    freedom: int = 0
    detectable: float | None = None


class UnpairableError(Exception):
    """The predictions of two trials cannot be compared; the message says why."""


def compare(settings: Iterable[SeedGroup]) -> tuple[dict[tuple[str, str], Paired], dict[str, str]]:
    """Return the tests by (old id of the lead, metric name), and by id the reason why a setting could not be tested.

    With several seeds, their scores are compared. With one run each, predictions are compared; runs without predictions
    appear in neither dictionary.
    """
    found: dict[tuple[str, str], Paired] = {}
    refused: dict[str, str] = {}
    for setting in settings:
        key = setting.lead.old.result["id"]
        try:
            tests = _seeds(setting) if len(setting.old) + len(setting.new) > 2 else _alone(setting)
            found |= {(key, name): test for name, test in tests}
        except (UnpairableError, PefbenchError) as error:
            refused[key] = str(error)
    alone = {key: test for key, test in found.items() if test.seeds == (1, 1)}
    of_seeds = _corrected({key: test for key, test in found.items() if key not in alone})
    return _corrected(alone) | _with_power(of_seeds), refused


def _alone(setting: SeedGroup) -> Iterator[tuple[str, Paired]]:
    old, new = setting.old[0], setting.new[0]
    files = file_of(old), file_of(new)
    if files[0] is not None and files[1] is not None:
        yield from _pair(old, new, files[0], files[1])


def _seeds(setting: SeedGroup) -> Iterator[tuple[str, Paired]]:
    """The tests of several seeds, by their scores; the variance is at least what their predictions explain."""
    from pefbench.stats.two_sample import change

    first, runs = setting.old[0], (len(setting.old), len(setting.new))
    for name in _metrics(first):
        if not all(_same_signature(first, each, name) for each in (*setting.old, *setting.new)):
            continue
        old, new = ([_metrics(each)[name] for each in side] for side in (setting.old, setting.new))
        if old == new:
            yield name, Paired(None, 1.0, seeds=runs)
            continue
        examples = first.result["metrics"]["test"][name]["examples"]
        one_answer = 0.0 if examples is None else 1 / examples**2  # one answer more or less is no change
        found = change(old, new, max(_chance(setting.old, name), one_answer))
        difference, means = (found.value, found.low, found.high), (fmean(old), fmean(new))
        yield name, Paired(difference, found.p, 0, runs, means, error=found.error, freedom=found.freedom)


def _chance(trials: Sequence[Stored], name: str) -> float:
    """The variance of a run's score that changes in single answers explain; 0 if fewer than two runs kept predictions.

    Raises DataError for damaged predictions, and UnpairableError if they do not give the recorded score.
    """
    from pefbench.stats.resampling import resample
    from pefbench.stats.two_sample import chance

    kept = [(each, file) for each in trials if (file := file_of(each)) is not None]
    metric = _scorer(trials[0], name)
    if len(kept) < 2 or metric is None:
        return 0.0
    rows = [read(file) for _, file in kept]
    if not rows[0] or any([row["reference"] for row in each] != [row["reference"] for row in rows[0]] for each in rows):
        raise UnpairableError("the predictions are for different test examples")
    weighted = [_one(weighted_by(metric, each), name) for each in rows]
    scores = resample(weighted, len(rows[0]), clusters=clusters(rows[0]), resamples=400)
    for (stored, _), value in zip(kept, scores.values, strict=True):
        _hold_against_result(stored, name, float(value))
    return chance(scores)


def _scorer(stored: Stored, name: str) -> Any:
    """The metric that computed a trial's value of this name; None if another version did, or it cannot be resampled."""
    from pefbench.metrics import make

    told = stored.result["metrics"]["test"][name]["signature"]
    for metric in (make(named) for named in stored.result["recipe"].get("evaluate", {}).get("metrics", ())):
        if name in metric.higher_is_better and metric.moves_with_examples:
            return metric if told.startswith(f"{metric.signature()}|") else None
    return None


def _pair(old: Stored, new: Stored, before: Path, now: Path) -> Iterator[tuple[str, Paired]]:
    common = [name for name in _metrics(old) if _same_signature(old, new, name)]
    if before.read_bytes() == now.read_bytes():
        yield from ((name, Paired(None, 1.0)) for name in common)
        return
    rows = read(before), read(now)
    if [row["reference"] for row in rows[0]] != [row["reference"] for row in rows[1]] or not rows[0]:
        raise UnpairableError("the predictions are for different test examples")
    yield from _tests(old, new, rows, common)


def _metrics(stored: Stored) -> dict[str, float]:
    return {name: metric["value"] for name, metric in stored.result["metrics"]["test"].items()}


def _same_signature(old: Stored, new: Stored, name: str) -> bool:
    metrics = [each.result["metrics"]["test"].get(name) for each in (old, new)]
    signatures = [of_value(metric["signature"]) for metric in metrics if metric is not None]
    return len(signatures) == 2 and signatures[0] == signatures[1]


def _tests(
    old: Stored, new: Stored, rows: tuple[Sequence[AnsweredExample], Sequence[AnsweredExample]], names: Sequence[str]
) -> Iterator[tuple[str, Paired]]:
    from pefbench.metrics import make
    from pefbench.stats.paired import difference
    from pefbench.stats.resampling import resample

    for metric in (make(named) for named in old.result["recipe"]["evaluate"]["metrics"]):
        ours = [name for name in names if name in metric.higher_is_better]
        signature = f"{metric.signature()}|"
        if (
            not ours
            or not metric.moves_with_examples
            or not old.result["metrics"]["test"][ours[0]]["signature"].startswith(signature)
        ):
            continue  # scored by another version of the metric, or untestable: an interval or a tolerance decides
        weighted = [weighted_by(metric, each) for each in rows]
        for name in ours:
            scores = [resample([_one(run, name)], len(rows[0]), clusters=clusters(rows[1])) for run in weighted]
            for stored, score in zip((old, new), scores, strict=True):
                _hold_against_result(stored, name, score.mean)
            found = difference(scores[1], scores[0])
            yield name, Paired((found.value, found.low, found.high), found.p)


def weighted_by(metric: Any, rows: Sequence[AnsweredExample]) -> Values:
    """The metric as a function of weights on the rows. Raises UnpairableError if it cannot score them."""
    try:
        taken = metric.take([row["prediction"] for row in rows], [row["reference"] for row in rows])
        weighted: Values = metric.weighted(*taken)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise UnpairableError(f"the metric cannot score the predictions ({type(error).__name__})") from None
    return weighted


def _one(values: Values, name: str) -> Weighted:
    return lambda weights: values(weights)[name]


def _hold_against_result(stored: Stored, name: str, value: float) -> None:
    told = _metrics(stored)[name]
    if not math.isclose(told, value, rel_tol=1e-9, abs_tol=1e-9):
        raise UnpairableError(f"{stored.path}: {name} is {told:.4f} in the result, {value:.4f} from its predictions")


def _corrected(found: dict[tuple[str, str], Paired]) -> dict[tuple[str, str], Paired]:
    """Correct the p-values of all tests, so that a check of many trials gives no more false alarms than one test."""
    tested = {key: paired for key, paired in found.items() if paired.difference is not None}
    if not tested:
        return found
    from pefbench.stats.holm import holm

    adjusted = holm([paired.p for paired in tested.values()])
    corrected = {
        key: replace(paired, p=p, tests=len(tested), own_p=paired.p)
        for (key, paired), p in zip(tested.items(), adjusted, strict=True)
    }
    return found | corrected


def _with_power(found: dict[tuple[str, str], Paired]) -> dict[tuple[str, str], Paired]:
    """Add what each test of seeds could have shown, at the first level of Holm's correction among those not shown."""
    tested = {key: paired for key, paired in found.items() if paired.difference is not None}
    if not tested:
        return found
    from pefbench.stats.detectable import smallest_difference

    level = LEVEL / max(1, sum(paired.p >= LEVEL for paired in tested.values()))
    powered = {
        key: replace(paired, detectable=smallest_difference(paired.error, paired.freedom, level=level))
        for key, paired in tested.items()
    }
    return found | powered
