"""Lists of names in messages."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def listing(names: Sequence[str], limit: int = 12) -> str:
    """The first names in order, on one line, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(sorted(names)[:limit]) + more or "nothing"


def near(name: str, valid: Sequence[str]) -> str:
    """The most similar names and a few of all names, for messages about large folders."""
    close = difflib.get_close_matches(name, valid, n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{guess}it has {listing(valid)}"
