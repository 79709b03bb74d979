"""Reads labels that are vectors with a 1 or 0 for each label, as multi-label losses use them: ``[1.0, 0.0, 1.0]``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.sources.cells import as_list, is_missing

if TYPE_CHECKING:
    from pefbench.sources import Rows

WRITTEN = re.compile(r"[01](?:[\s,;|]+[01])+", re.ASCII)
"""A vector without brackets, in a cell of a table."""
NOTE = "labels are vectors of 0 and 1: each label is the place of a 1, counted from 0"


def as_numbers(table: Rows, column: str) -> Rows:
    """Turn a column of such vectors into lists of label numbers; leave other tables unchanged.

    Vectors have equal length and contain only 0 and 1; one of them contains a value twice, unlike a list of labels.
    """
    found = [_vector(row.values.get(column)) for row in table.rows]
    given = [vector for vector in found if vector is not None]
    are_vectors = len(given) == sum(not is_missing(row.values.get(column)) for row in table.rows)
    if not are_vectors or len({*map(len, given)}) != 1 or not any(len({*vector}) < len(vector) for vector in given):
        return table
    rows = [
        row if vector is None else replace(row, values=row.values | {column: _places(vector)})
        for row, vector in zip(table.rows, found, strict=True)
    ]
    return replace(table, rows=rows, notes=(*table.notes, NOTE))


def _vector(cell: Any) -> list[Any] | None:
    """The zeros and ones in a cell; None if it contains anything else."""
    if isinstance(cell, str):
        try:
            cell = as_list(cell) or ([int(each) for each in re.findall("[01]", cell)] if _is_written(cell) else None)
        except ValueError:
            return None
    are_flags = isinstance(cell, list) and all(isinstance(each, int | float) and each in (0, 1) for each in cell)
    return cell if are_flags and cell else None


def _is_written(cell: str) -> bool:
    return WRITTEN.fullmatch(cell.strip()) is not None


def _places(vector: list[Any]) -> list[int]:
    return [place for place, flag in enumerate(vector) if flag]
