"""What an application's training keeps in a file for its server."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench.atomic import write_text
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write(file: Path, values: object) -> None:
    """Keep values. Raises OutputError where they cannot be written."""
    write_text(file, json.dumps(values, indent=1, allow_nan=False) + "\n")


@contextmanager
def reading(file: Path, what: str, train: str) -> Iterator[None]:
    """Raise DataError where the file is missing or damaged. what: it holds; train: the command that writes it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{file}: no {what} yet; run {train}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file}: damaged; delete it and run {train}") from None
