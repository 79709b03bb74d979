"""The trivial baselines for each trial, including those that other trials on the same data recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pefbench.analysis.tables.groups import headline, tested_on
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pefbench.analysis.tables.row import BaselineColumns
    from pefbench.results.schema import MetricValue, Result

    Known = Mapping[tuple[object, ...], Mapping[str, MetricValue]]


LEVEL = 0.025
"""One-sided level of the test that a model beats a baseline."""


def known(results: Iterable[Result]) -> Known:
    """The trivial baselines' scores on the headline metric, keyed by what they depend on: see `_depends_on`."""
    found: dict[tuple[object, ...], dict[str, MetricValue]] = {}
    for result in results:
        metric = result.get("headline", "")
        scores = {name: each[metric] for name, each in result.get("baselines", {}).items() if metric in each}
        if scores and result["status"] == "finished":
            found.setdefault(_depends_on(result), {}).update(scores)
    return found


def _depends_on(result: Result) -> tuple[object, ...]:
    """Everything that a trivial baseline's score depends on: data, metric, training and test examples, not the model.

    So older trials on the same data, recorded without baselines, can be compared with it too.
    """
    train, data_seed = result["recipe"]["train"], result["recipe"].get("data", {}).get("seed")
    limit = train.get("max_examples")
    # Before data.seed, examples were drawn by the seed of training.
    drawn_by = ("train", train.get("seed")) if data_seed is None else ("data", data_seed)
    chosen = None if limit is None else (limit, *drawn_by)
    signature, data = of_value(headline(result)["signature"]), result["data"]["fingerprint"]
    return (result["recipe"]["task"], result["headline"], signature, data, chosen, tested_on(result))


def beside(result: Result, known: Known) -> BaselineColumns:
    """The best trivial baseline, and whether the paired test (2.5 %, one-sided) shows the model to be better.

    If a result has no paired test, the scores are treated as independent: the difference must exceed both intervals
    combined. If the model's score has no interval either, nothing is shown.
    """
    best = _best(result, known) if result["status"] == "finished" else None
    if best is None:
        return {"baseline": None, "baseline_value": None, "beats_baseline": None}
    name, baseline = best
    metric = headline(result)
    own = result.get("baselines", {}).get(name, {}).get(result["headline"])
    p = own.get("p_model_no_better") if own else None
    beats = _exceeds(metric["value"], metric["low"], metric["high"], baseline) if p is None else p < LEVEL
    return {"baseline": name, "baseline_value": baseline["value"], "beats_baseline": beats}


def beside_mean(first: Result, known: Known, value: float, low: float | None, high: float | None) -> BaselineColumns:
    """The same for a mean over seeds, with its interval: a run's paired test knows nothing of other seeds.

    first: the result of one of them.
    """
    row, best = beside(first, known), _best(first, known)
    return row if best is None else {**row, "beats_baseline": _exceeds(value, low, high, best[1])}


def _best(result: Result, known: Known) -> tuple[str, MetricValue] | None:
    """The name and the score of the best baseline for a finished result."""
    found = known.get(_depends_on(result))
    if not found:
        return None
    sign = 1 if headline(result)["higher_is_better"] else -1
    return max(found.items(), key=lambda each: sign * each[1]["value"])


def _exceeds(value: float, low: float | None, high: float | None, baseline: MetricValue) -> bool:
    """Whether a score is better than an independent one by more than their intervals combined."""
    sign = 1 if baseline["higher_is_better"] else -1
    end = low if sign > 0 else high
    gain = sign * (value - baseline["value"])
    return end is not None and gain > math.hypot(end - value, _reach(baseline, sign))


def _reach(metric: MetricValue, sign: int) -> float:
    """How far an interval extends to one side; 0 without an interval."""
    end = metric["high"] if sign > 0 else metric["low"]
    return 0.0 if end is None else abs(end - metric["value"])
