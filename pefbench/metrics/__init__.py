"""Scores with confidence intervals. Each metric is a file in this folder, named as in recipes.

The base class is in ``_base``, which imports evaluate (takes seconds); this file stays light.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.importing import imports
from pefbench.registry import find
from pefbench.results.ranges import range_of
from pefbench.results.schema import MetricValue
from pefbench.results.signature import INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from pefbench.metrics._base import Metric
    from pefbench.sections import NamedMetric
    from pefbench.stats.interval import Interval

    Array = npt.NDArray[Any]
    Weighted = Callable[[Array], Mapping[str, Array]]


def name_of(named: NamedMetric) -> str:
    """The name of a metric in a recipe, where it stands alone or with options."""
    return named if isinstance(named, str) else str(named["name"])


def make(named: NamedMetric) -> Metric:
    """Make the metric that a recipe names, with its options. Its library is loaded on first use.

    Raises RecipeError for an unknown name. Raises pydantic's ValidationError for a wrong option, which recipes exclude.
    """
    options = {} if isinstance(named, str) else {key: value for key, value in named.items() if key != "name"}
    with imports.later():
        kind = find("metric", name_of(named))
    metric: Metric = kind(**options)
    return metric


def compute(metric: Metric, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """A metric's values on a head's answers, without intervals."""
    predictions, references = metric.take(predictions, references)
    values: dict[str, float] = metric.compute(predictions=predictions, references=references)
    return values


def score(
    metric: Metric,
    predictions: Sequence[Any],
    references: Sequence[Any],
    *,
    decoding_signature: str = "",
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> dict[str, MetricValue]:
    """A metric's values with confidence intervals, on predictions, one per example.

    decoding_signature: added to the signature: what else the values depend on, such as how texts were generated.
    clusters: each example's cluster name; examples in a cluster are dependent. None: all examples are independent.

    The values are the library's. The intervals come from `pefbench.stats.interval`, with the metric on weighted
    examples; with all weights 1, this must equal the library's value within 1e-9, otherwise AssertionError.
    Raises ValueError if there are no examples, or predictions, references and clusters differ in length.
    """
    import numpy as np

    if not predictions or len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references; need one for each")
    if clusters is not None and len(clusters) != len(predictions):
        raise ValueError(f"{len(clusters)} names of clusters for {len(predictions)} predictions; need one for each")
    values = compute(metric, predictions, references)
    predictions, references = metric.take(predictions, references)
    weighted = metric.weighted(predictions, references)
    once = weighted(np.ones((1, len(predictions))))
    _check_same(metric, values, {name: float(value[0]) for name, value in once.items()})
    intervals = _intervals(metric, values, weighted, clusters or range(len(predictions)), confidence)
    return {
        name: _value(metric, name, values[name], intervals[name], decoding_signature, len(predictions))
        for name in values
    }


def no_better(
    metric: Metric,
    predictions: Sequence[Any],
    others: Sequence[Any],
    references: Sequence[Any],
    *,
    clusters: Sequence[str] | None = None,
) -> dict[str, float]:
    """For each value of a metric: the one-sided p that predictions are no better than others on the same examples.

    Student's t-test on the difference, with its standard error from the jackknife. Both are scored without the same
    examples, so examples that are hard for both cancel. A metric without intervals has no p. clusters: as for `score`.
    """
    import numpy as np
    from scipy import stats

    from pefbench.stats.jackknife import jackknife

    clusters = clusters or [str(i) for i in range(len(predictions))]
    units = len({*clusters})
    if not metric.moves_with_examples or units < 2:
        return {}
    first, second = (metric.weighted(*metric.take(given, references)) for given in (predictions, others))

    def gain(weights: Array) -> dict[str, Array]:
        found, other = first(weights), second(weights)
        return {name: (1 if metric.higher_is_better[name] else -1) * (found[name] - other[name]) for name in found}

    gains = gain(np.ones((1, len(predictions))))
    least = 0.5 ** min(units, 1000)  # as rare as the same sign in every example
    p = {}
    for name, spread in jackknife(gain, clusters).items():
        value = float(gains[name][0])
        if value <= 0 or spread.standard_error == 0:
            p[name] = least if value > 0 else 1.0
        else:
            p[name] = max(least, float(stats.t.sf(value / spread.standard_error, spread.freedom)))
    return p


def _value(
    metric: Metric, name: str, value: float, interval: Interval, decoding_signature: str, examples: int
) -> MetricValue:
    found = MetricValue(
        value=value,
        low=interval.low,
        high=interval.high,
        examples=examples,
        higher_is_better=metric.higher_is_better[name],
        signature="|".join(filter(None, [metric.signature(), decoding_signature, f"{INTERVAL}{interval.method}"])),
    )
    if not interval.reliable:
        found["reliable"] = False
    return found


def _intervals(
    metric: Metric,
    values: Mapping[str, float],
    weighted: Weighted,
    clusters: Sequence[object],
    confidence: float,
) -> dict[str, Interval]:
    """The interval of each value: that of a proportion, or from the jackknife over clusters."""
    from pefbench.stats.interval import Interval, of_proportion, of_score
    from pefbench.stats.jackknife import independent, jackknife

    if not metric.moves_with_examples:
        return dict.fromkeys(values, Interval(None, None, "none"))
    examples, alone = len(clusters), independent(clusters)
    right = _proportions(metric, weighted, examples)
    found = {name: of_proportion(number, examples, confidence=confidence) for name, number in right.items() if alone}
    if found.keys() == values.keys():
        return found
    spreads = jackknife(weighted, clusters) if len({*clusters}) > 1 else {}
    for name in values.keys() - found.keys():
        most = examples if name in right else None
        ends = range_of(name, values[name])
        each = of_score(values[name], spreads.get(name), ends, confidence=confidence, most=most)
        found[name] = each if alone else replace(each, method=f"{each.method}|clusters:{len({*clusters})}")
    return found


def _proportions(metric: Metric, weighted: Weighted, examples: int) -> dict[str, int]:
    """For each value that is a mean of scores of 0 or 1: how many examples are right."""
    if not metric.averaged:
        return {}
    from pefbench.stats.bootstrap import one_at_a_time

    blocks = [weighted(alone) for alone in one_at_a_time(examples)]
    found = {}
    for name in metric.averaged & blocks[0].keys():
        scores = [score for block in blocks for score in block[name].tolist()]
        if all(score in {0.0, 1.0} for score in scores):
            found[name] = int(sum(scores))
    return found


def _check_same(metric: Metric, values: Mapping[str, float], once: Mapping[str, float]) -> None:
    """Raise AssertionError if the values on weighted examples differ from the library's."""
    if not values.keys() == once.keys() == metric.higher_is_better.keys():
        raise AssertionError(
            f"{type(metric).__name__} names differ: {[*values]}, {[*once]}, {[*metric.higher_is_better]}"
        )
    for name, value in values.items():
        if not math.isclose(value, once[name], rel_tol=1e-9, abs_tol=1e-9):
            raise AssertionError(f"{name} is {value!r} by the library and {once[name]!r} on examples that count once")
