"""Reads sentences with one tag per word: lists, texts split at spaces, or lists written as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import as_list, clean_word
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources import Row

COLUMNS: Mapping[str, tuple[str | int, ...]] = {
    "tokens": ("tokens", "words", "Word", "word", "token", "Token", 0),
    "sentence": ("Sentence #", "sentence_id", "sentence_idx", "sent_id", "Sentence_ID", "sentence"),
}
"""The usual names of the columns of words, and of the one that numbers sentences in a table with one word per row."""


def text(values: Mapping[str, Any]) -> str:
    """The sentence."""
    tokens = values["tokens"]
    return tokens if isinstance(tokens, str) else " ".join(map(str, tokens)) if isinstance(tokens, list) else ""


def tokens_and_tags(row: Row, *, numbers: bool = False) -> tuple[list[str], list[str]]:
    """A row's tokens and tags. Raises DataError if they are not lists of strings of equal length.

    numbers: whether tags may be whole numbers, which are then used as names.
    """
    tokens, tags = strings(row, "tokens"), strings(row, "tags", numbers=numbers)
    if len(tokens) != len(tags):
        raise DataError(f"{row.where}: {len(tokens)} tokens but {len(tags)} tags")
    return tokens, tags


def strings(row: Row, column: str, *, numbers: bool = False) -> list[str]:
    """A column's list; in a format without lists, a cell is a JSON or Python list, or words separated by spaces."""
    cell = value = row.values[column]
    if isinstance(cell, str):
        try:
            value = as_list(cell) or cell.split()
        except ValueError as error:
            message = f"{row.where}: {row.name(column)} looks like a list and is {error}: {cell[:60]!r}"
            raise DataError(message) from None
    if column == "tags" and isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        if not numbers:
            raise DataError(
                f"{row.where}: the tags in {row.name(column)} are numbers; name them with data.labels, such as "
                f"[O, B-PER, I-PER], or in a dataset_info.json next to the file"
            )
        value = [str(item) for item in value]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise values.wrong(row, column, "a non-empty list of strings")
    together = "".join(value)
    if together.isascii() and together.split() == [together]:  # fast path: most sentences need no cleaning
        return list(value)
    return [clean_word(item) for item in value]
