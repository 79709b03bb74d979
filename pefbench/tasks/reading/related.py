"""Sentences with a list of relations, as brat has them: one row for each relation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources import Row, Rows

RELATIONS, ENTITIES = "relations", "entities"
KEYS = ("label", "first", "second")
NOTE = "each relation is a row; pairs of entities without a relation are not read"


def per_relation(table: Rows, named: Mapping[str, object]) -> Rows:
    """A table of sentences with relations as one of relations; others as they are, and where the recipe names columns.

    A relation is an object with ``label``, ``first`` and ``second``, the characters of both entities.
    """
    if named or RELATIONS not in table.columns or not all(_are_relations(row) for row in table.rows):
        return table
    kept = [name for name in table.columns if name not in (RELATIONS, ENTITIES)]
    rows = [
        replace(row, values={**{name: row.values[name] for name in kept}, **{key: relation[key] for key in KEYS}})
        for row in table.rows
        for relation in row.values[RELATIONS]
    ]
    return replace(table, columns=(*kept, *KEYS), rows=rows, notes=(*table.notes, NOTE))


def _are_relations(row: Row) -> bool:
    found = row.values[RELATIONS]
    return isinstance(found, list) and all(isinstance(each, dict) and {*KEYS} <= each.keys() for each in found)
