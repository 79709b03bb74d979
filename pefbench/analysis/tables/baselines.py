"""The trivial baselines beside each trial, those of other trials of the same data too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.analysis.tables.groups import headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pefbench.analysis.tables.row import Row
    from pefbench.results.schema import Metric, Result


def known(results: Iterable[Result]) -> dict[tuple[Any, ...], dict[str, Metric]]:
    """Return what trivial baselines scored on the headline metric, by what they depend on: see `_depends_on`."""
    found: dict[tuple[Any, ...], dict[str, Metric]] = {}
    for result in results:
        metric = result.get("headline", "")
        scores = {name: each[metric] for name, each in result.get("baselines", {}).items() if metric in each}
        if scores and result["status"] == "finished":
            found.setdefault(_depends_on(result), {}).update(scores)
    return found


def _depends_on(result: Result) -> tuple[Any, ...]:
    """Return what a trivial baseline's score follows from: data, metric and the training examples; never the model.

    So it is that of a trial of the same data, too, which was recorded before there were baselines.
    """
    train = result["recipe"]["train"]
    limit = train.get("max_examples")
    chosen = None if limit is None else (limit, train.get("seed"))
    signature, data = headline(result)["signature"], result["data"]["fingerprint"]
    return (result["recipe"]["task"], result["headline"], signature, data, chosen)


def beside(result: Result, known: Mapping[tuple[Any, ...], dict[str, Metric]]) -> Row:
    """Return the best trivial baseline, and whether the model's whole interval is better than it."""
    found = known.get(_depends_on(result)) if result["status"] == "finished" else None
    if not found:
        return dict.fromkeys(("baseline", "baseline_value", "beats_baseline"))
    metric = headline(result)
    sign = 1 if metric["higher_is_better"] else -1
    best = max(found, key=lambda name: sign * found[name]["value"])
    value, worst = found[best]["value"], metric["low"] if sign > 0 else metric["high"]
    beats = sign * (metric["value"] if worst is None else worst) > sign * value
    return {"baseline": best, "baseline_value": value, "beats_baseline": beats}
