"""What a metric gives, and how a score with its interval is made. Each metric is a file here, named as in a recipe.

The base class is in ``_base``, which imports evaluate (seconds); this file stays light.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pefbench.registry import find
from pefbench.results.schema import MetricValue
from pefbench.results.signature import INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from pefbench.metrics._base import Metric
    from pefbench.sections import NamedMetric

    Array = npt.NDArray[Any]
    Weighted = Callable[[Array], Mapping[str, Array]]


def name_of(named: NamedMetric) -> str:
    """The name of a metric as a recipe names it: alone, or with options."""
    return named if isinstance(named, str) else str(named["name"])


def make(named: NamedMetric) -> Metric:
    """The metric that a recipe names, with the options that stand beside the name.

    Raises RecipeError for an unknown name, and pydantic's ValidationError for a wrong option, which no recipe has.
    """
    options = {} if isinstance(named, str) else {key: value for key, value in named.items() if key != "name"}
    metric: Metric = find("metric", name_of(named))(**options)
    return metric


def score(
    metric: Metric,
    predictions: Sequence[Any],
    references: Sequence[Any],
    *,
    decoding_signature: str = "",
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, MetricValue]:
    """Each value of a metric, with its confidence interval, on predictions, one per example.

    decoding_signature: what else the values depend on, such as how texts were generated; a part of the signature.

    The value is the library's. The interval of a proportion (see `Metric.averaged`) is Wilson's; of any other value it
    is a percentile bootstrap over examples, by the metric of weighted ones. With all weights 1 that must be the
    library's value, within 1e-9: AssertionError otherwise.
    Raises ValueError when there are no examples or the two differ in length.
    """
    import numpy as np

    from pefbench.stats.bootstrap import bootstrap
    from pefbench.stats.wilson import wilson

    if not predictions or len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references; need one for each")
    predictions, references = metric.take(predictions, references)
    values: dict[str, float] = metric.compute(predictions=predictions, references=references)
    weighted = metric.weighted(predictions, references)
    once = weighted(np.ones((1, len(predictions))))
    _check_same(metric, values, {name: float(value[0]) for name, value in once.items()})
    intervals = bootstrap(len(predictions), weighted, resamples=resamples, confidence=confidence, seed=seed)
    methods = dict.fromkeys(values, f"percentile-bootstrap-{100 * confidence:g}|n:{resamples}|seed:{seed}")
    for name, right in _proportions(metric, weighted, len(predictions)).items():
        intervals[name] = wilson(right, len(predictions), confidence=confidence)
        methods[name] = f"wilson-{100 * confidence:g}"
    return {
        name: MetricValue(
            value=value,
            low=intervals[name][0],
            high=intervals[name][1],
            examples=len(predictions),
            higher_is_better=metric.higher_is_better[name],
            signature="|".join(filter(None, [metric.signature(), decoding_signature, f"{INTERVAL}{methods[name]}"])),
        )
        for name, value in values.items()
    }


def _proportions(metric: Metric, weighted: Weighted, examples: int) -> dict[str, int]:
    """How many examples are right, for each value that is the mean of scores that are all 0 or 1."""
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
    """Raise AssertionError when the intervals would be of something else than the values."""
    if not values.keys() == once.keys() == metric.higher_is_better.keys():
        raise AssertionError(
            f"{type(metric).__name__} names differ: {[*values]}, {[*once]}, {[*metric.higher_is_better]}"
        )
    for name, value in values.items():
        if not math.isclose(value, once[name], rel_tol=1e-9, abs_tol=1e-9):
            raise AssertionError(f"{name} is {value!r} by the library and {once[name]!r} on examples that count once")
