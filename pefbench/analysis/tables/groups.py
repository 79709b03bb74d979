"""Which trials may be ranked together, and the heading of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis.tables.wording import short_model
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue, Result


UNKNOWN = "unknown"
"""What an imported result has for a name that the tool did not record."""


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


def trained_on(result: Result) -> int | None:
    """The number of training examples: results on 3,000 of them and on 8,000 tell of the data, not of the methods.

    None where it is not known, as of some imported runs.
    """
    split = result["data"]["splits"].get("train")
    return split["examples"] if split else None


def is_of_unknown_method(result: Result) -> bool:
    """Whether it was imported from a tool that does not record how a model was trained."""
    return "foreign" in result and result["recipe"]["method"]["name"] == UNKNOWN


def headline(result: Result) -> MetricValue:
    """The metric that a finished trial is ranked by."""
    return result["metrics"]["test"][result["headline"]]


def heading(result: Result) -> str:
    """What trials that may be ranked together have in common, in a line."""
    metric, signature, weights, data, precision, _ = comparable(result)
    recipe = result["recipe"]
    direction = "higher" if headline(result)["higher_is_better"] else "lower"
    known = weights != UNKNOWN
    model = f"{short_model(recipe['model']['name'])} (weights {short(weights)})" if known else "base model unknown"
    score = f"{metric}, {direction} is better ({signature})"
    examples = trained_on(result)
    trained = "training unknown" if examples is None else f"{examples:,} training examples"
    precision = "precision unknown" if precision == UNKNOWN else precision
    return " · ".join([recipe["task"], model, f"data {short(data)}", trained, precision, score])


def short(fingerprint: str) -> str:
    """The first digits of a fingerprint, for people."""
    return fingerprint.rpartition(":")[2][:6]
