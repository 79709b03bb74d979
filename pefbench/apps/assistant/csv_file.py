"""Writes a table as a CSV file, which appears complete or not at all."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pefbench.atomic import writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def write(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under a header. Raises OutputError."""
    with writing(file) as partial, partial.open("w", encoding="utf8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
