"""Limits for compressed files: a small file must not fill the memory or the disk when it is unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench.errors import UserError

ALWAYS = 256 << 20
"""Bytes that any file may unpack to."""
RATIO = 100
"""Larger files may unpack to this many times their size: text compresses 3 to 20 times, gzip at most 1,032 times."""


class Unpacked:
    """Counts the unpacked bytes of a file and raises `error` if they are too many."""

    def __init__(self, name: str, packed: int, error: type[UserError] = DataError) -> None:
        self.name = name
        self.error = error
        self.most = max(ALWAYS, RATIO * packed)
        self.total = 0

    def add(self, count: int) -> None:
        """Count bytes that were unpacked or are about to be."""
        self.total += count
        if self.total > self.most:
            raise self.error(
                f"{self.name}: unpacks to more than {self.most >> 20} MiB, over {RATIO} times its size; refused"
            )
