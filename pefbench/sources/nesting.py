"""Nested columns: ``answers.text`` is the field ``text`` of the objects in the column ``answers``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pefbench.sources.rows import Row, Rows


def unnest(table: Rows, wanted: Iterable[str]) -> Rows:
    """Add a column for each wanted dotted name that exists inside another column and is not a column yet.

    An object without the key gives None; a list of objects gives a list of values.
    """
    paths = {name: name.split(".") for name in wanted if "." in name and name not in table.columns}
    found = {name: path for name, path in paths.items() if any(_has(row, path) for row in table.rows)}
    if not found:
        return table
    rows = [
        replace(row, values={**row.values, **{name: _inside(row.values, path) for name, path in found.items()}})
        for row in table.rows
    ]
    return replace(table, columns=(*table.columns, *found), rows=rows)


def _has(row: Row, path: list[str]) -> bool:
    value = row.values.get(path[0])
    value = value[0] if isinstance(value, list) and value else value
    return isinstance(value, dict) and _inside(row.values, path) is not None


def _inside(value: Any, path: list[str]) -> Any:
    for at, name in enumerate(path):
        if isinstance(value, list):
            return [_inside(item, path[at:]) for item in value]
        value = value.get(name) if isinstance(value, dict) else None
    return value
