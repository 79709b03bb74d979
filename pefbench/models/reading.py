"""Library calls that read a user's files: any exception is about the files, and reported in one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench.errors import PefbenchError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 300
"""The maximum number of characters shown of a library's message."""


@contextmanager
def reading(what: str, kind: type[PefbenchError] = SourceError) -> Iterator[None]:
    """Raise a `kind` that begins with `what` for any exception of the library called inside; call nothing else there.

    Damaged files cause KeyError, TypeError, RecursionError, SafetensorError, or a plain Exception from tokenizers.
    """
    import torch

    try:
        yield
    except (PefbenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise kind(f"{what}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of a library's exception, with the second if the first only announces it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(line.strip() for line in (lines[:2] if lines[0].endswith(":") else lines[:1]))[:LONGEST]
