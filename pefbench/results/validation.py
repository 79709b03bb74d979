"""Checks whether a JSON value is a result that this version of pefbench can read, and if not, says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from pefbench.results.possible import impossible
from pefbench.results.schema import ID, SCHEMA, Result, is_final, read_time
from pefbench.results.shape import mismatch, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_REACHED = optional(Result)
"""Fields of a result that are null or missing if the trial did not get that far."""


class _Named(TypedDict):
    name: str


class _RecipeKeys(TypedDict):
    """The recipe fields that table and check read."""

    name: str
    task: str
    model: _Named
    method: _Named
    train: dict[str, object]


def problem(value: Any) -> str | None:
    """Why a JSON value is not a result; None if it is. Drops nulls of fields that the trial did not reach."""
    if not isinstance(value, dict) or "schema" not in value:
        return "not a pefbench result (an object with a field 'schema' was expected)"
    if type(value["schema"]) is int and value["schema"] > SCHEMA:
        return f"written by a newer pefbench (schema {value['schema']}, this one reads {SCHEMA}); update pefbench"
    if type(value["schema"]) is int and value["schema"] < SCHEMA:
        return f"written by an older pefbench (schema {value['schema']}, this one reads {SCHEMA}); run the trial again"
    if value["schema"] != SCHEMA or value["schema"] is True:
        return f"unknown schema {value['schema']!r}; this pefbench reads schema {SCHEMA}"
    for name in _NOT_REACHED:
        if name in value and value[name] is None:
            del value[name]
    found = mismatch(Result, value)
    if found is None and (inner := mismatch(_RecipeKeys, value["recipe"])):
        found = f".recipe{inner}"
    return f"damaged result: {found[1:]}" if found else _inconsistency(cast("Result", value))


def _inconsistency(result: Result) -> str | None:
    if not ID.fullmatch(result["id"]):
        return f"damaged result: id should be 12 hex digits, is {result['id']!r}"
    source = result["provenance"]
    for name, times in (
        ("started", [source["started"]]),
        ("resumed", source.get("resumed", [])),
        ("finished", [source["finished"]]),
    ):
        try:
            for time in times:
                read_time(time)
        except ValueError:
            return f"damaged result: provenance.{name} should be a time in ISO 8601"
    if found := impossible(result):
        return f"damaged result: {found}"
    found = _unfinished(result) if result["status"] == "finished" else None
    return found or (None if "foreign" in result else _untold(result))


def _unfinished(result: Result) -> str | None:
    for name in ("data", "model", "phases", "metrics", "headline"):
        if name not in result:
            return f"damaged result: {name} is missing, though the trial finished"
    if "train" not in result["phases"] and "foreign" not in result:
        return "damaged result: phases.train is missing, though the trial finished"
    split = "test" if is_final(result) else "validation"
    if result["headline"] not in result["metrics"].get(split, {}):
        return f"damaged result: the headline metric {result['headline']!r} is missing in metrics.{split}"
    return None


def _untold(result: Result) -> str | None:
    """A problem if one of pefbench's own results lacks a field that only imported ones may lack."""
    sections: list[tuple[str, Mapping[str, object], tuple[str, ...]]] = [
        ("provenance", result["provenance"], ("hardware", "world_size")),
        ("model", result.get("model", {}), ("parameters", "trainable_parameters", "trainable_percent")),
        (
            "phases.train",
            result.get("phases", {}).get("train", {}),
            ("tokens", "padding_fraction", "tokens_per_second"),
        ),
    ]
    data = result.get("data")
    sections += (
        [(f"data.splits.{name}", split, ("tokens", "dropped")) for name, split in data["splits"].items()]
        if data
        else []
    )
    for where, section, names in sections:
        if section and (missing := [name for name in names if name not in section]):
            return f"damaged result: {where}.{missing[0]} is missing"
    for split, metrics in result.get("metrics", {}).items():
        if unknown := [name for name, metric in metrics.items() if metric["examples"] is None]:
            return f"damaged result: metrics.{split}.{unknown[0]}.examples should be an integer"
    return None
