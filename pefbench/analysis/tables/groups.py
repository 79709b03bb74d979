"""Which trials may be ranked together, and the heading of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables.wording import short_model
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue, Result


def comparable(result: Result) -> tuple[str, ...]:
    """What must be equal for two trials of a task to be ranked together."""
    return (
        result["headline"],
        of_value(headline(result)["signature"]),
        result["model"]["fingerprint"],
        result["data"]["fingerprint"],
        result["provenance"]["precision"],
        str(trained_on(result)),
    )


def group_of(result: Result) -> tuple[str, ...]:
    """What is equal in the finished trials of one group: the task, the base model and what `comparable` names."""
    recipe = result["recipe"]
    return (recipe["task"], short_model(recipe["model"]["name"]), *comparable(result))


def trained_on(result: Result) -> int:
    """The number of training examples: results on 3,000 of them and on 8,000 tell of the data, not of the methods."""
    split = result["data"]["splits"].get("train")
    return split["examples"] if split else 0


def headline(result: Result) -> MetricValue:
    """The metric that a finished trial is ranked by."""
    return result["metrics"]["test"][result["headline"]]


def heading(result: Result) -> str:
    """What trials that may be ranked together have in common, in a line."""
    metric, signature, weights, data, precision, _ = comparable(result)
    recipe = result["recipe"]
    direction = "higher" if headline(result)["higher_is_better"] else "lower"
    model = f"{short_model(recipe['model']['name'])} (weights {short(weights)})"
    score = f"{metric}, {direction} is better ({signature})"
    examples = f"{trained_on(result):,} training examples"
    return " · ".join([recipe["task"], model, f"data {short(data)}", examples, precision, score])


def short(fingerprint: str) -> str:
    """The first digits of a fingerprint, for people."""
    return fingerprint.rpartition(":")[2][:6]
