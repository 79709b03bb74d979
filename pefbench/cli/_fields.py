"""The output of `pefbench list fields`: a recipe's fields with their types, defaults and meanings."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from pefbench.cli._json_schema import options, section_schema
from pefbench.errors import UserError, suggest
from pefbench.recipe import SECTIONS
from pefbench.registry import find, names, summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pefbench.cli._json_schema import Schema

KINDS = ("task", "method", "metric")
WIDTH = 110
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
BY_DEFAULT = {
    "model.name": "the task's model",
    "data.source": "the task's data",
    "train.learning_rate": "the method's rate",
    "evaluate.metrics": "the task's metrics",
}
"""Defaults that are not in any class."""


def render(what: str | None) -> str:
    """The fields of a recipe or a section, or the options of one task, method or metric, or of all of a kind.

    Raises UserError for any other name.
    """
    if what is None:
        return "\n".join([_top(), *(_section(name) for name in SECTIONS)])
    if what in SECTIONS:
        return _section(what)
    if what in KINDS:
        return "\n\n".join(_options(what, name) for name in names(what))
    for kind in KINDS:
        if what in names(kind):
            return _options(kind, what)
    valid = [*SECTIONS, *KINDS, *(name for kind in KINDS for name in names(kind))]
    raise UserError(f"list fields {what}: neither a section nor a task, method or metric; {suggest(what, valid)}")


def _top() -> str:
    return "\n".join(
        [
            _field("extends", "string", "none", "the recipe that this one extends, as a path from this file's folder"),
            _field("task", "name", "required", "what the model learns: `pefbench list tasks`"),
            _field("options", "mapping", "the task's", "the task's own options: `pefbench list fields TASK`"),
            _field("method", "mapping", "required", "name and options: `pefbench list fields METHOD`"),
            _field("methods", "mapping", "none", "changes for single methods on this data set: method -> fields"),
        ]
    )


def _section(name: str) -> str:
    properties: Schema = section_schema(SECTIONS[name])["properties"]
    return _fields(name, properties.items())


def _options(kind: str, name: str) -> str:
    """The options of one task, method or metric, and the defaults that it sets."""
    prefix = {"task": "options", "method": "method", "metric": "evaluate.metrics"}[kind]
    lines = [f"{kind} {name}: {summary(kind, name)}"]
    found = options(kind, name)
    lines.append(_fields(prefix, found.items()) if found else "no options")
    if kind == "task":
        task = find(kind, name)
        given = [
            (section, field, value) for section, fields in task.defaults.items() for field, value in fields.items()
        ]
        lines += [f"default: {section}.{field}: {_value(value)}" for section, field, value in given]
        lines.append(f"default: evaluate.metrics: {_value(list(task.metrics))}")
        lines.append(f"data.columns names: {', '.join(task.columns)}")
    if kind == "method":
        lines.append(f"default: train.learning_rate: {find(kind, name).learning_rate}")
    return "\n".join(lines)


def _fields(prefix: str, properties: Iterable[tuple[str, Schema]]) -> str:
    return "\n".join(
        _field(
            path := f"{prefix}.{name}", type_in_words(schema), default_of(path, schema), schema.get("description", "")
        )
        for name, schema in properties
    )


def _field(path: str, kind: str, default: str, meaning: str) -> str:
    indent = "    "
    return f"{path}  ({kind}; default: {default})\n" + textwrap.fill(
        meaning, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def default_of(path: str, schema: Schema) -> str:
    if "default" in schema:
        return _value(schema["default"])
    return BY_DEFAULT.get(path, "{}" if schema.get("type") == "object" else "required")


def _value(value: object) -> str:
    """A default as in YAML, but strings without quotes."""
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def type_in_words(schema: Schema) -> str:
    """A field's type in words: ``integer >= 1 or null``."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_in_words(each) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return " | ".join(str(each) for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_in_words(schema['items'])}" if schema.get("items") else "list"
    name = str(schema.get("type", "any")).replace("object", "mapping")
    bounds = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return " ".join([name, " and ".join(bounds)]).strip()
