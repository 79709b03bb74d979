"""Reads other layouts of related entities: brat's lists of relations, and TACRED's word indices.

A row of TACRED (Zhang et al. 2017, EMNLP, section 3) has its words, and the first and last word of both entities::

    {"token": ["Ada", "King", "wrote"], "subj_start": 0, "subj_end": 1, "obj_start": 2, "obj_end": 2, "relation": ...}
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources import Row, Rows

RELATIONS, ENTITIES = "relations", "entities"
KEYS = ("label", "first", "second")
WORDS = ("token", "tokens")
SUBJECT, OBJECT = ("subj_start", "subj_end"), ("obj_start", "obj_end")
WORDS_NOTE = "texts are the words with spaces between them"
NOTE = "each relation is a row; pairs of entities without a relation are not read"


def per_relation(table: Rows, named: Mapping[str, object]) -> Rows:
    """Turn sentences with lists of relations into one row per relation, and words into texts with character offsets.

    Other tables stay unchanged, and so do all if the recipe names columns.

    A relation is an object with ``label``, ``first`` and ``second``, the offsets of both entities.
    """
    if not named and {*SUBJECT, *OBJECT} <= {*table.columns}:
        return _of_words(table)
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


def _of_words(table: Rows) -> Rows:
    """Turn TACRED's words into texts; leave other tables unchanged."""
    words = next((name for name in WORDS if name in table.columns), None)
    if words is None:
        return table
    gone = (words, *SUBJECT, *OBJECT)
    rows = [
        replace(
            row, values={**{name: row.values[name] for name in table.columns if name not in gone}, **_text(row, words)}
        )
        for row in table.rows
    ]
    columns = (*(name for name in table.columns if name not in gone), "text", "first", "second")
    return replace(table, columns=columns, rows=rows, notes=(*table.notes, WORDS_NOTE))


def _text(row: Row, name: str) -> dict[str, object]:
    """A row's text and the offsets of its entities; None if an entity is not within the words."""
    words = row.values[name]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return {"text": None, "first": None, "second": None}  # a bad row
    starts = [0, *accumulate(len(word) + 1 for word in words)]

    def characters(ends: tuple[str, str]) -> list[int] | None:
        first, last = (row.values[end] for end in ends)
        sound = type(first) is int and type(last) is int and 0 <= first <= last < len(words)
        return [starts[first], starts[last + 1] - 1] if sound else None

    return {"text": " ".join(words), "first": characters(SUBJECT), "second": characters(OBJECT)}
