"""Calls of libraries that read a user's files: whatever they raise is about the files, and told in one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench.errors import PefbenchError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 300
"""Characters of a library's message that are shown."""


@contextmanager
def reading(what: str, kind: type[PefbenchError] = SourceError) -> Iterator[None]:
    """Raise a `kind` that begins with `what` for any error of the library called inside; call nothing else there.

    Damaged files come as KeyError, TypeError, RecursionError, SafetensorError, or as a plain Exception of tokenizers.
    """
    import torch

    try:
        yield
    except (PefbenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise kind(f"{what}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of what a library raised, with the second where the first only announces it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(line.strip() for line in (lines[:2] if lines[0].endswith(":") else lines[:1]))[:LONGEST]
