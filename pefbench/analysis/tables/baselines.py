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
    """How far an interval extends to one side; 0 without an interval."""
    end = metric["high"] if sign > 0 else metric["low"]
    return 0.0 if end is None else abs(end - metric["value"])
