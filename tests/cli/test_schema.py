"""`pefbench schema`: the committed schemas are current, every recipe validates, and mistakes do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from pefbench.cli import _json_schema
from pefbench.paths import PROJECT
from pefbench.registry import find, names
from pefbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

RECIPES = PROJECT / "recipes"
FILES = sorted(file for file in RECIPES.rglob("*.yaml") if file.parent.name != "accelerate")
SCHEMA = {"recipe": _json_schema.recipe_schema(), "compare": _json_schema.comparison_schema()}
CHECK = {name: jsonschema.Draft7Validator(schema) for name, schema in SCHEMA.items()}


def kind(file: Path) -> str:
    return "compare" if file.parent.name == "compare" else "recipe"


@pytest.mark.parametrize(("name", "file"), [("recipe", "schema.json"), ("compare", "compare/schema.json")])
def test_the_committed_schema_is_todays(name: str, file: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA[name])
    assert json.loads((RECIPES / file).read_text(encoding="utf8")) == SCHEMA[name], "run `make schema`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_names_its_schema_and_validates(file: Path) -> None:
    prefix, _, path = file.read_text(encoding="utf8").splitlines()[0].partition("$schema=")
    assert prefix == "# yaml-language-server: "
    assert json.loads((file.parent / path).read_text(encoding="utf8")) == SCHEMA[kind(file)]
    CHECK[kind(file)].validate(read_yaml(file))


@pytest.mark.parametrize(
    "recipe",
    [
        {"task": "nerr"},
        {"name": "x"},
        {"task": "ner", "options": {"overlap": 1}},
        {"task": "question_answering", "options": {"overlap": -1}},
        {"task": "ner", "data": {"columns": {"text": 1}}},
        {"method": {"name": "lora", "rnak": 1}},
        {"method": {"name": "lora", "rank": "8"}},
        {"method": {"name": "lorra"}},
        {"train": {"epohcs": 1}},
        {"train": {"learning_rate": 0}},
        {"model": {"quantize": "fp4"}},
        {"methods": {"lorra": {}}},
        {"methods": {"lora": {"method": {"rnak": 2}}}},
        {"methods": {"lora": {"method": {"name": "lora"}}}},
        {"methods": {"lora": {"data": {}}}},
        {"evaluate": {"metrics": ["entity_f"]}},
        {"evaluate": {"metrics": [{"name": "token_report", "lables": []}]}},
    ],
    ids=str,
)
def test_a_mistake_does_not_validate(recipe: dict[str, Any]) -> None:
    assert not CHECK["recipe"].is_valid(recipe)


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({}, True),
        ({"train.learning_rate": {"log_uniform": [1e-5, 1e-3]}}, True),
        ({"method.rank": {"choice": [4, 8]}}, True),
        ({"train.seed": [1, 2]}, False),
        ({"data.source": ["a", "b"]}, False),
        ({"train.epochs": 3}, False),
        ({"train.epochs": {"uniform": [1]}}, False),
    ],
    ids=str,
)
def test_what_may_be_searched(changes: dict[str, Any], valid: bool) -> None:
    entry = {"method": {"name": "lora"}, "search": {"train.epochs": [1, 2], **changes}}
    comparison = {"recipe": "ner.yaml", "trials": 2, "seeds": [1], "methods": {"a": entry, "b": entry}}
    assert CHECK["compare"].is_valid(comparison) == valid


@pytest.mark.parametrize("task", names("task"))
def test_a_tasks_own_defaults_validate(task: str) -> None:
    defaults = {section: dict(values) for section, values in find("task", task).defaults.items()}
    CHECK["recipe"].validate({"task": task, **defaults})
