"""Reads files that an application's training writes for its server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def reading(file: Path, what: str, train: str) -> Iterator[None]:
    """Raise DataError if the file is missing or damaged. what: its content; train: the command that writes it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{file}: no {what} yet; run {train}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file}: damaged; delete it and run {train}") from None
