"""The trivial baselines beside each trial, also those that other trials of the same data recorded."""

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
"""One-sided, that a baseline is said to be beaten by a model that is no better."""


def known(results: Iterable[Result]) -> Known:
    """The trivial baselines' scores on the headline metric, by what they depend on: see `_depends_on`."""
    found: dict[tuple[object, ...], dict[str, MetricValue]] = {}
    for result in results:
        metric = result.get("headline", "")
        scores = {name: each[metric] for name, each in result.get("baselines", {}).items() if metric in each}
        if scores and result["status"] == "finished":
            found.setdefault(_depends_on(result), {}).update(scores)
    return found


def _depends_on(result: Result) -> tuple[object, ...]:
    """All that a trivial baseline's score depends on: data, metric, training and test examples, but not the model.

    So it also stands beside trials of the same data that were recorded before there were baselines.
    """
    train, data_seed = result["recipe"]["train"], result["recipe"].get("data", {}).get("seed")
    limit = train.get("max_examples")
    # Before data.seed, examples were drawn by the seed of training.
    drawn_by = ("train", train.get("seed")) if data_seed is None else ("data", data_seed)
    chosen = None if limit is None else (limit, *drawn_by)
    signature, data = of_value(headline(result)["signature"]), result["data"]["fingerprint"]
    return (result["recipe"]["task"], result["headline"], signature, data, chosen, tested_on(result))


def beside(result: Result, known: Known) -> BaselineColumns:
    """The best trivial baseline, and whether the model is shown to be better: by the paired test, 2.5 % one-sided.

    Where a result has none, the difference must be beyond the intervals of both, as of independent scores; where the
    model's score has no interval either, nothing is shown.
    """
    found = known.get(_depends_on(result)) if result["status"] == "finished" else None
    if not found:
        return {"baseline": None, "baseline_value": None, "beats_baseline": None}
    metric = headline(result)
    sign = 1 if metric["higher_is_better"] else -1
    best = max(found, key=lambda name: sign * found[name]["value"])
    own = result.get("baselines", {}).get(best, {}).get(result["headline"])
    p = own.get("p_model_no_better") if own else None
    gain = sign * (metric["value"] - found[best]["value"])
    ends_known = metric["low"] is not None and metric["high"] is not None
    apart = ends_known and gain > math.hypot(_reach(metric, -sign), _reach(found[best], sign))
    beats = apart if p is None else p < LEVEL
    return {"baseline": best, "baseline_value": found[best]["value"], "beats_baseline": beats}


def _reach(metric: MetricValue, sign: int) -> float:
    """How far an interval goes to one side; 0 where there is none."""
    end = metric["high"] if sign > 0 else metric["low"]
    return 0.0 if end is None else abs(end - metric["value"])
