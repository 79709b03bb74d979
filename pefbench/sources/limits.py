"""How much may come out of a compressed file: a small one must not fill the memory or the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench.errors import UserError

ALWAYS = 256 << 20
"""Bytes that any file may unpack to."""
RATIO = 100
"""Times its own size that a larger one may unpack to: text packs 3 to 20 times, gzip ends at 1,032."""


class Unpacked:
    """Counts the bytes that come out of one file, and raises the error when they are too many."""

    def __init__(self, name: str, packed: int, error: type[UserError] = DataError) -> None:
        self.name = name
        self.error = error
        self.most = max(ALWAYS, RATIO * packed)
        self.total = 0

    def add(self, count: int) -> None:
        """Count bytes, or rows' worth of them, that were unpacked or are about to be."""
        self.total += count
        if self.total > self.most:
            raise self.error(
                f"{self.name}: unpacks to more than {self.most >> 20} MiB, over {RATIO} times its size; refused"
            )
