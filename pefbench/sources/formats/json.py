"""JSON: a list of objects, an object with such a list under ``data``, or a table as pandas writes it.

pandas' ``to_json`` writes ``{"text": {"0": ..., "1": ...}, ...}``, by column, unless it is told otherwise: ``split`` is
``{"columns": [...], "data": [[...], ...]}`` and ``index`` has an object for each number of a row. ``to_dict("list")``,
and Hugging Face's ``to_dict``, have a list for each column.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.documents import from_objects, parse
from pefbench.sources.formats.jsonl import read_jsonl
from pefbench.sources.reader import TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources.rows import BadRows, Rows


def read_json(text: str, file: str, bad: BadRows) -> Rows:
    """Read one object a row; lines are the numbers of the items."""
    if _are_lines(text):
        table = read_jsonl(text, file, bad)
        return replace(table, notes=(*table.notes, "JSON Lines"))
    document = parse(text, file)
    found = _rows(document) if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise DataError(f"{file}: holds neither a list of objects nor {{'data': [...]}}")
    return from_objects(enumerate(found, start=1), file, bad)


def _are_lines(text: str) -> bool:
    """Whether each line is an object of its own, as Hugging Face's ``to_json`` writes them whatever the suffix."""
    first, _, rest = text.lstrip().partition("\n")
    if not (first.startswith("{") and rest.lstrip().startswith("{")):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _rows(document: Mapping[str, Any]) -> list[Any] | None:
    """The rows of a table that is an object; None where it is none."""
    names, columns = document.get("columns"), list(document.values())
    if isinstance(data := document.get("data"), list):
        split = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return [_named(names, row) for row in data] if split and names else data
    if len(columns) > 1 and all(_has(column, list, columns[0]) for column in columns):
        return [_named(document, list(row)) for row in zip(*columns, strict=True)]
    if columns and all(_has(column, dict, columns[0]) and column.keys() == columns[0].keys() for column in columns):
        return _by_number(document)
    return None


def _named(names: Collection[str], row: Any) -> Any:
    """A row with the names of its columns, or as it is where it is no list of as many."""
    return dict(zip(names, row, strict=True)) if _has(row, list, names) else row


def _by_number(document: Mapping[str, Mapping[str, Any]]) -> list[Any] | None:
    """The rows of an object of alike objects, of which either is by the numbers of rows."""
    inside = next(iter(document.values()))
    if inside and all(number.isdecimal() for number in inside):
        return [{name: column[number] for name, column in document.items()} for number in inside]
    return list(document.values()) if inside and all(number.isdecimal() for number in document) else None


def _has(value: Any, kind: type[list[Any] | dict[Any, Any]], like: Any) -> bool:
    return isinstance(value, kind) and isinstance(like, Collection) and len(value) == len(like)


READER = TextReader(read_json, suffixes=(".json",))
