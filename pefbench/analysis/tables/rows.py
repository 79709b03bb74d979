"""Trials as rows of raw numbers, in display order."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from pefbench.analysis.tables import baselines
from pefbench.analysis.tables.groups import group_of, heading, headline
from pefbench.analysis.tables.wording import short_model

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from pefbench.analysis.tables.row import CostColumns, ScoreColumns, TableRow, TrialColumns
    from pefbench.results.schema import Result
    from pefbench.results.store import Stored


FAILED = "failed"


def rows_of(results: Iterable[Stored]) -> list[TableRow]:
    """One row per trial: group by group, best first, failed ones last."""
    rows = [(_rank(stored), stored) for stored in results]
    rows.sort(key=lambda each: each[0])
    known = baselines.known(stored.result for _, stored in rows)
    ordered: list[TableRow] = [
        {
            **_trial(stored),
            **_score(stored.result),
            **baselines.beside(stored.result, known),
            **_cost(stored.result),
            "path": str(stored.path),
        }
        for _, stored in rows
    ]
    _add_settings(ordered, [stored.result["recipe"] for _, stored in rows])
    return ordered


def _rank(stored: Stored) -> tuple[int | float | str, ...]:
    result = stored.result
    recipe = result["recipe"]
    last = (recipe["name"], result["id"])
    if result["status"] == "failed":
        return (1, recipe["task"], short_model(recipe["model"]["name"]), *last)
    metric = headline(result)
    best_first = -metric["value"] if metric["higher_is_better"] else metric["value"]
    return (0, *group_of(result), best_first, *last)


def group(row: TableRow) -> tuple[object, ...]:
    """The key of a row's table: equal in all its rows."""
    if row["group"] == FAILED:
        return (FAILED,)
    # Whole fingerprints, because the heading, which has everything else, shows only their first digits.
    return row["group"], row["model_fingerprint"], row["data_fingerprint"]


def _trial(stored: Stored) -> TrialColumns:
    result = stored.result
    recipe, model, data = result["recipe"], result.get("model"), result.get("data")
    return {
        "group": FAILED if result["status"] == "failed" else heading(result),
        "task": recipe["task"],
        "model": short_model(recipe["model"]["name"]),
        "model_fingerprint": model and model["fingerprint"],
        "data_fingerprint": data and data["fingerprint"],
        "precision": result["provenance"]["precision"],
        "id": result["id"],
        "recipe": recipe["name"],
        "method": recipe["method"]["name"],
        "settings": "",
        "seed": recipe["train"].get("seed"),
        "learning_rate": recipe["train"].get("learning_rate"),
        "status": result["status"],
        "error": result["error"],
    }


def _score(result: Result) -> ScoreColumns:
    metric = headline(result) if result["status"] == "finished" else None
    return {
        "metric": result.get("headline"),
        "metric_signature": metric and metric["signature"],
        "value": metric and metric["value"],
        "low": metric and metric["low"],
        "high": metric and metric["high"],
        "reliable": metric and metric.get("reliable", True),
        "higher_is_better": metric and metric["higher_is_better"],
        "test_examples": metric and metric["examples"],
    }


def _cost(result: Result) -> CostColumns:
    model, data, train = result.get("model"), result.get("data"), result.get("phases", {}).get("train")
    split = data["splits"].get("train") if data else None
    limit = result["recipe"]["train"].get("max_examples")
    return {
        "train_examples": split and split["examples"],
        "train_examples_cut": limit is not None and split is not None and split["examples"] >= limit,
        "parameters": model and model.get("parameters"),
        "trainable_parameters": model and model.get("trainable_parameters"),
        "trainable_percent": model and model.get("trainable_percent"),
        "adapter_bytes": model and model["adapter_bytes"],
        "train_seconds": train and train["seconds"],
        "train_peak_memory_bytes": train and train["peak_memory_bytes"],
    }


def _add_settings(rows: Sequence[TableRow], recipes: Sequence[Mapping[str, object]]) -> None:
    """Fill in the settings in which trials of one recipe differ, as in a grid."""
    alike: dict[tuple[str, str, str], list[tuple[TableRow, Mapping[str, object]]]] = defaultdict(list)
    for row, recipe in zip(rows, recipes, strict=True):
        alike[row["group"], row["recipe"], row["method"]].append((row, recipe))
    for members in alike.values():
        for (row, _), text in zip(members, differences([recipe for _, recipe in members]), strict=True):
            row["settings"] = text


def differences(recipes: Sequence[Mapping[str, object]], ignored: Container[str] = ("name",)) -> list[str]:
    """For each recipe, the fields that are not the same in all, as overrides: ``train.learning_rate=0.001``."""
    if len(recipes) == 1:
        return [""]
    flat = [dict(_flat(each)) for each in _unlike(recipes)]
    keys = sorted({key for each in flat for key in each if key not in ignored})
    differing = [key for key in keys if len({each.get(key) for each in flat}) > 1]
    return [" ".join(f"{key}={each[key]}" for key in differing if key in each) for each in flat]


def _unlike(recipes: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The recipes without the sections that are the same in all, which saves time on thousands of trials."""
    first = recipes[0]
    alike = {name for name in first if all(name in each and each[name] == first[name] for each in recipes)}
    return [{name: value for name, value in each.items() if name not in alike} for each in recipes]


def _flat(fields: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else _spelt(value)


def _spelt(value: object) -> str:
    # The same as JSON, but ten times faster; a thousand trials have fifty thousand numbers.
    return repr(value) if type(value) in {int, float} else json.dumps(value)
