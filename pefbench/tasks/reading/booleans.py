"""Unifies the spelling of labels that are true or false but differ between files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.sources.cells import clean_word, is_missing
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import Row

MEANING = {"true": True, "false": False, "1": True, "0": False}
"""Spellings, in lower case -> meaning."""
WAYS = (("True", "False"), ("true", "false"), ("TRUE", "FALSE"), ("1", "0"))


def unified(splits: Mapping[str, Sequence[Row]]) -> tuple[Mapping[str, Sequence[Row]], list[str]]:
    """Rows whose labels have one spelling each of true and false, and a note if they had several.

    The spelling is the most frequent one in training. Rows stay unchanged if any label is not a boolean, or if neither
    value has two spellings. Missing labels are ignored.
    """
    found = {split: [_spelling(row.values["label"]) for row in rows] for split, rows in splits.items()}
    spellings = {spelling for each in found.values() for spelling in each if spelling is not None}
    if not all(spelling.lower() in MEANING for spelling in spellings) or _ways(spellings) < 2:
        return splits, []
    taught = Counter(spelling for spelling in found["train"] if spelling is not None)
    yes, no = max(WAYS, key=lambda way: taught[way[0]] + taught[way[1]])
    kept = {
        split: [
            row
            if spelling is None
            else replace(row, values=row.values | {"label": yes if MEANING[spelling.lower()] else no})
            for row, spelling in zip(rows, found[split], strict=True)
        ]
        for split, rows in splits.items()
    }
    return kept, [f"labels {', '.join(sorted(spellings))} are read as {yes} and {no}"]


def _ways(spellings: set[str]) -> int:
    """The most spellings that either value has; 0 if all spellings are of one style."""
    counts = Counter(MEANING[spelling.lower()] for spelling in spellings)
    return max(counts.values(), default=0) if len({_way(each) for each in spellings}) > 1 else 0


def _way(spelling: str) -> str:
    """The style of booleans to which a spelling belongs."""
    return next((way[0] for way in WAYS if spelling in way), spelling)


def _spelling(value: Any) -> str | None:
    """A label's name; None if it is missing or cannot be a label."""
    whole = values.whole(value)
    if isinstance(whole, int) or (isinstance(whole, str) and not is_missing(whole)):
        return str(whole) if isinstance(whole, int) else clean_word(whole)
    return None
