"""The trivial baselines beside each trial, also those that other trials of the same data recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables.groups import headline
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pefbench.analysis.tables.row import BaselineColumns
    from pefbench.results.schema import MetricValue, Result

    Known = Mapping[tuple[object, ...], Mapping[str, MetricValue]]


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
    """All that a trivial baseline's score depends on: the data, the metric and the training examples, not the model.

    So it also stands beside trials of the same data that were recorded before there were baselines.
    """
    train, data_seed = result["recipe"]["train"], result["recipe"].get("data", {}).get("seed")
    limit = train.get("max_examples")
    # Before data.seed, examples were drawn by the seed of training.
    drawn_by = ("train", train.get("seed")) if data_seed is None else ("data", data_seed)
    chosen = None if limit is None else (limit, *drawn_by)
    signature, data = of_value(headline(result)["signature"]), result["data"]["fingerprint"]
    return (result["recipe"]["task"], result["headline"], signature, data, chosen)


def beside(result: Result, known: Known) -> BaselineColumns:
    """The best trivial baseline, and whether the model's whole interval is better than it."""
    found = known.get(_depends_on(result)) if result["status"] == "finished" else None
    if not found:
        return {"baseline": None, "baseline_value": None, "beats_baseline": None}
    metric = headline(result)
    sign = 1 if metric["higher_is_better"] else -1
    best = max(found, key=lambda name: sign * found[name]["value"])
    value, worst = found[best]["value"], metric["low"] if sign > 0 else metric["high"]
    beats = sign * (metric["value"] if worst is None else worst) > sign * value
    return {"baseline": best, "baseline_value": value, "beats_baseline": beats}
