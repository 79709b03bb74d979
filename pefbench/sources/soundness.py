"""Rejects rows that no tokenizer can process as soon as they are read: lone surrogates, NULs, deeply nested lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.sources.rows import BadRows, Row

DEEPEST = 32
"""The deepest allowed nesting of lists and objects."""


def sound_rows(rows: Iterable[Row], columns: Sequence[str], bad: BadRows) -> list[Row]:
    """The rows whose values in these columns are sound; other rows are bad rows."""
    kept = []
    for row in rows:
        fault = next(((name, why) for name in columns if (why := _fault(row.values[name]))), None)
        if fault is None:
            kept.append(row)
        else:
            name, why = fault
            bad(DataError(f"{row.where}: {why} in {name!r}"))
    return kept


def _fault(value: Any, depth: int = 0) -> str | None:
    if isinstance(value, str):
        return _fault_of_text(value)
    if not isinstance(value, list | dict):
        return None
    if depth == DEEPEST:
        return f"lists nested more than {DEEPEST} deep"
    if isinstance(value, list):
        try:
            return _fault_of_text("".join(value))  # fast path: most lists are a sentence's words
        except TypeError:  # not all are texts
            pass
    parts = value if isinstance(value, list) else [*value, *value.values()]
    return next((why for part in parts if (why := _fault(part, depth + 1))), None)


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    if text.isascii():
        return None
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"a lone surrogate (\\u{ord(text[error.start]):04x})"
    return None
