"""Which trials may be ranked together, and the heading of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pefbench.analysis.tables.wording import short_model
from pefbench.results.signature import of_value

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue, Result


BETWEEN = " · "

UNKNOWN = "unknown"
"""The name in an imported result if the tool recorded none."""


def comparable(result: Result) -> tuple[str, ...]:
    """What must be equal for two trials of a task to be ranked together."""
    return (
        result["headline"],
        of_value(headline(result)["signature"]),
        result["model"]["fingerprint"],
        result["data"]["fingerprint"],
        result["provenance"]["precision"],
        str(trained_on(result)),
        tested_on(result),
    )


def group_of(result: Result) -> tuple[str, ...]:
    """The key of a finished trial's group: the task, the base model and what `comparable` returns."""
    recipe = result["recipe"]
    return (recipe["task"], short_model(recipe["model"]["name"]), *comparable(result))


def trained_on(result: Result) -> int | None:
    """The number of training examples: a difference between 3,000 and 8,000 is due to data, not methods.

    None if unknown, as in some imported runs.
    """
    split = result["data"]["splits"].get("train")
    return split["examples"] if split else None


def tested_on(result: Result) -> str:
    """The test examples, in words: fewer examples, or fewer candidates to choose from, make a different test.

    The fingerprint does not show that: it covers the data's rows before `options` turn them into examples.
    """
    examples, options = headline(result)["examples"], result["recipe"].get("options")
    candidates = options.get("candidates") if isinstance(options, dict) else None
    among = "" if candidates is None else f" of {candidates} candidates"
    return "test examples unknown" if examples is None else f"{examples:,} test examples{among}"


def is_of_unknown_method(result: Result) -> bool:
    """Whether a result was imported from a tool that does not record how the model was trained."""
    return "foreign" in result and result["recipe"]["method"]["name"] == UNKNOWN


def headline(result: Result) -> MetricValue:
    """The metric that a finished trial is ranked by."""
    return result["metrics"]["test"][result["headline"]]


def heading(result: Result) -> str:
    """What trials that may be ranked together have in common, in one line."""
    common = in_common(result)
    model = f"{common.model} ({common.weights})" if common.weights else common.model
    return BETWEEN.join(
        [common.task, model, common.data, common.trained, common.tested, common.precision, common.score]
    )


class Common(NamedTuple):
    """What trials that may be ranked together have in common, as text; the most distinctive parts come first."""

    task: str
    model: str
    trained: str
    tested: str
    data: str
    weights: str
    precision: str
    score: str


def in_common(result: Result) -> Common:
    """What a finished trial has in common with the trials that it may be ranked with."""
    metric, signature, weights, data, precision, _, tested = comparable(result)
    recipe, examples, known = result["recipe"], trained_on(result), weights != UNKNOWN
    direction = "higher" if headline(result)["higher_is_better"] else "lower"
    return Common(
        task=recipe["task"],
        model=short_model(recipe["model"]["name"]) if known else "base model unknown",
        trained="training unknown" if examples is None else f"{examples:,} training examples",
        tested=tested,
        data=f"data {short(data)}",
        weights=f"weights {short(weights)}" if known else "",
        precision="precision unknown" if precision == UNKNOWN else precision,
        score=f"{metric}, {direction} is better ({signature})",
    )


def short(fingerprint: str) -> str:
    """The first digits of a fingerprint, for display."""
    return fingerprint.rpartition(":")[2][:6]
