"""Tables with one word per row: the rows of a sentence are joined into one row, as in a CoNLL file.

A column numbers the sentences. It is filled in every row of a sentence or only in the first::

    Sentence #,Word,POS,Tag
    Sentence: 1,Thousands,NNS,O
    ,of,IN,O
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import is_missing
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.sources.rows import BadRows

DOCUMENTS = {"doc", "docid", "document", "documentid", "file", "fileid", "filename", "article", "articleid", "tweetid"}
"""Columns that name documents, in lower case without ``_`` and spaces; sentence numbers may restart per document."""
FEWEST = 5  # from this many one-word rows on, a table without sentence numbers is refused


def gather(table: Rows, by: str | None, words: Sequence[str], bad: BadRows) -> Rows:
    """Group a table with one word per row into sentences; return other tables unchanged.

    by: the column that numbers the sentences; None: blank lines may separate them. words: the columns with one word or
    tag per row. Another group begins another sentence; a row without one is in that of the row before. Raises DataError
    if rows have one word each but nothing separates the sentences.
    """
    if not table.rows or not all(_is_word(row.values[name]) for row in table.rows for name in words):
        return table
    found = _continued(table.rows)
    if by is not None:
        documents = [name for name in table.columns if name not in (by, *words) and _bare(name) in DOCUMENTS]
        groups = _numbered(found, by, documents, bad)
    else:
        groups = _separated(found, words)
        if len(groups) == 1 and len(table.rows) >= FEWEST:
            raise DataError(
                f"{table.rows[0].where}: each row has one word, but no column numbers the sentences; name one with "
                f"data.columns.sentence (the columns are: {', '.join(table.columns)})"
            )
        if len(groups) == len(table.rows) or len(groups) == 1:
            return table
    columns = tuple(name for name in table.columns if name != by)
    return Rows(columns, [row for group in groups if (row := _sentence(group, columns, words, bad))], table.revision)


def _continued(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows; one without a group gets that of the row above, as with sentence numbers."""
    if not any(row.group for row in rows):
        return rows
    groups: Iterable[str] = accumulate((row.group for row in rows), lambda before, group: group or before)
    return [replace(row, group=group) for row, group in zip(rows, groups, strict=True)]


def _is_word(value: Any) -> bool:
    return not isinstance(value, list | dict) and not (isinstance(value, str) and len(value.split()) > 1)


def _bare(name: str) -> str:
    return "".join(name.casefold().replace("_", " ").split())


def _numbered(rows: Sequence[Row], by: str, documents: Sequence[str], bad: BadRows) -> list[list[Row]]:
    """Rows by sentence: a new one begins if the sentence number or the document changes."""
    groups: list[list[Row]] = []
    current: list[Any] = []
    for row in rows:
        found = [*(row.values[name] for name in (by, *documents)), row.group]
        if is_missing(found[0]) and not groups:
            bad(DataError(f"{row.where}: the first word of the table has no {by!r}"))
            continue
        place = [old if is_missing(new) else new for old, new in zip(current or found, found, strict=True)]
        if place != current:
            groups.append([])
            current = place
        groups[-1].append(row)
    return groups


def _separated(rows: Sequence[Row], words: Sequence[str]) -> list[list[Row]]:
    """Rows by sentence, separated by blank lines or by rows of empty cells."""
    groups: list[list[Row]] = [[]]
    before = rows[0].line - 1
    for row in rows:
        empty = all(is_missing(row.values[name]) for name in words)
        if (empty or row.line > before + 1) and groups[-1]:
            groups.append([])
        if not empty:
            groups[-1].append(row)
        before = row.line
    return [group for group in groups if group]


def _sentence(group: Sequence[Row], columns: Sequence[str], words: Sequence[str], bad: BadRows) -> Row | None:
    for row in group:
        if missing := [name for name in words if is_missing(row.values[name])]:
            bad(DataError(f"{row.where}: the column {missing[0]!r} is empty"))
            return None
    together = all(after.line == row.line + 1 for row, after in pairwise(group))
    values = {name: [row.values[name] for row in group] for name in columns}
    return Row(values, group[0].file, group[0].line, line_a_token=together, group=group[0].group)
