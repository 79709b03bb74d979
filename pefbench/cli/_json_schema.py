"""The JSON schemas of recipes and comparison files, with which editors complete and check them.

They are derived from the classes that validate: a task's or method's options are allowed if the recipe names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.compare.file import FIXED, SEARCHABLE, ComparisonFile, Pscp
from pefbench.recipe import SECTIONS
from pefbench.recipe_file import ENTRY, SEARCH
from pefbench.registry import find, names, summary
from pefbench.search.space import SEARCHABLE as SEARCHED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel


Schema = dict[str, Any]
"""A JSON schema, or a part of one, as JSON values."""

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors' YAML servers support best."""


def recipe_schema() -> Schema:
    """The schema of a recipe's file. No field is required: the file that it extends, or an override, may have it."""
    fields = {name: section_schema(section) for name, section in SECTIONS.items()}
    fields["evaluate"]["properties"]["metrics"]["items"] = {"$ref": "#/definitions/metric"}
    return {
        "$schema": DRAFT,
        "title": "A pefbench recipe",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "extends": {
                "type": "string",
                "description": "the recipe that this one extends, as a path from this file's folder",
            },
            "task": _names("task"),
            "options": {"type": ["object", "null"], "description": "the task's own options"},
            **{name: {"$ref": f"#/definitions/{name}"} for name in fields},
            "method": {"$ref": "#/definitions/method"},
            "methods": {
                "type": ["object", "null"],
                "description": "changes for single methods on this data set: method -> fields of the recipe",
                "additionalProperties": False,
                "properties": {name: _entry(name) for name in names("method")},
            },
            SEARCH: {"$ref": f"#/definitions/{SEARCH}"},
        },
        "allOf": [_of_task(name) for name in names("task")],
        "definitions": {**fields, "method": _named("method"), "metric": _metric(), SEARCH: _search()},
    }


def _search() -> Schema:
    """The section that `pefbench search` reads: fields by their full names, or nested by section."""
    sections = "|".join(SEARCHED)
    return {
        "type": ["object", "null"],
        "description": "for pefbench search: field of the recipe -> values to try: a list, {uniform: [low, high]} or "
        "{log_uniform: [low, high]}; left out: the method's own",
        "additionalProperties": False,
        "patternProperties": {
            rf"^({sections})\.": {"type": ["array", "object"]},
            f"^({sections})$": {"type": "object"},
        },
    }


def comparison_schema() -> Schema:
    """The schema of a comparison file."""
    schema = _object(ComparisonFile)
    fields = {name: field for name, field in schema["properties"].items() if name != "name"}
    tried = {
        "description": "values to try: a list, or a distribution to draw them from",
        "oneOf": [
            {"type": "array", "minItems": 1},
            {"type": "object", "additionalProperties": False, "properties": {"choice": {"type": "array"}}},
            *(_drawn(way) for way in ("uniform", "log_uniform")),
        ],
    }
    searched = {
        "type": "object",
        "minProperties": 1,
        "description": "recipe field -> the values to try: the same number of settings for each method",
        "propertyNames": {"pattern": rf"^({'|'.join(SEARCHABLE)})\.", "not": {"enum": [*FIXED, "method.name"]}},
        "additionalProperties": tried,
        "properties": {
            f"train.{name}": tried for name in SECTIONS["train"].model_fields if f"train.{name}" not in FIXED
        },
    }
    entry = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {"method": {"$ref": "#/definitions/method"}, "search": searched},
    }
    # These two refer to classes of their own, which are written out here.
    fields["methods"] = {
        "description": fields["methods"]["description"],
        "minProperties": 2,
        "oneOf": [
            {"type": "object", "additionalProperties": entry},
            {"type": "array", "minItems": 2, "uniqueItems": True, "items": _names("method")},
        ],
    }
    fields["pscp"]["anyOf"] = [_object(Pscp), {"type": "null"}]
    return {
        "$schema": DRAFT,
        "title": "A pefbench comparison",
        **schema,
        "properties": fields,
        "required": [name for name in schema["required"] if name != "name"],
        "definitions": {"method": _named("method") | {"required": ["name"]}},
    }


def _drawn(way: str) -> Schema:
    bounds = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    return {"type": "object", "additionalProperties": False, "required": [way], "properties": {way: bounds}}


def _object(model: type[BaseModel]) -> Schema:
    """pydantic's schema of a class's fields, without its generated titles."""
    schema = model.model_json_schema()
    for field in schema["properties"].values():
        field.pop("title", None)
    return {key: schema[key] for key in ("type", "additionalProperties", "properties", "required") if key in schema}


def section_schema(section: type[BaseModel]) -> Schema:
    schema = _object(section)
    schema.pop("required", None)
    return schema | {"type": ["object", "null"], "description": (section.__doc__ or "").partition("\n")[0]}


def options(kind: str, name: str) -> Schema:
    """The options of a task, a method or a metric: option -> its schema."""
    found = find(kind, name)
    model = {"task": lambda: found.options, "method": lambda: found, "metric": lambda: found.options_type}[kind]()
    properties: Schema = _object(model)["properties"]
    return {field: schema for field, schema in properties.items() if field != "name"}


def _names(kind: str) -> Schema:
    return {
        "description": f"`pefbench list {kind}s`",
        "enum": names(kind),
        "enumDescriptions": [summary(kind, name) for name in names(kind)],  # for VS Code; validators ignore it
    }


def _named(kind: str) -> Schema:
    """A mapping with a name, and the options for that name."""
    return {
        "type": ["object", "null"],
        "description": f"a {kind} and its options",
        "properties": {"name": _names(kind)},
        "allOf": [
            {
                "if": {"type": "object", "properties": {"name": {"const": name}}, "required": ["name"]},
                "then": {"properties": {"name": True, **options(kind, name)}, "additionalProperties": False},
            }
            for name in names(kind)
        ],
    }


def _metric() -> Schema:
    named = _named("metric") | {"type": "object", "required": ["name"]}
    return {"anyOf": [_names("metric"), named]}


def _entry(method: str) -> Schema:
    """An entry of `methods`."""
    sections: Iterable[str] = [each for each in ENTRY if each in SECTIONS]
    return {
        "type": ["object", "null"],
        "description": summary("method", method),
        "additionalProperties": False,
        "properties": {
            "method": {
                "type": ["object", "null"],
                "properties": options("method", method),
                "additionalProperties": False,
            },
            "options": {"type": ["object", "null"]},
            SEARCH: {"$ref": f"#/definitions/{SEARCH}"},
            **{each: {"$ref": f"#/definitions/{each}"} for each in sections},
        },
    }


def _of_task(name: str) -> Schema:
    """What a recipe of this task may contain in addition to the fields of every recipe."""
    task = find("task", name)
    its_options = {"type": ["object", "null"], "properties": options("task", name), "additionalProperties": False}
    columns = {"propertyNames": {"enum": sorted(task.columns)}}
    return {
        "if": {"properties": {"task": {"const": name}}, "required": ["task"]},
        "then": {"properties": {"options": its_options, "data": {"properties": {"columns": columns}}}},
    }
