"""Caches what was computed from a large file, so that the file is read again only after it has changed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import OutputError
from pefbench.paths import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGE = 2**26
"""The file size in bytes from which results are cached: below it, reading the file is faster than the cache."""
STILL = 2.0
"""Seconds since a file's last change before anything is cached: file systems' clocks are coarse."""


def remembered(file: Path, kind: str, find: Callable[[Path], str], check: Callable[[str], object]) -> str:
    """What `find` returns for a file, from the cache if the file has not changed.

    The key is the file's inode, size and times of change. The system sets the last of these times at every change, and
    no program can set it back. kind: the folder in the cache. check: raises ValueError for a damaged text.
    """
    status = file.stat()
    if status.st_size < LARGE:
        return find(file)
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    place = cache_folder() / kind / "-".join(map(str, state))
    with suppress(OSError, ValueError):
        found = place.read_text(encoding="utf8")
        check(found)
        return found
    found = find(file)
    if time.time() - max(status.st_mtime, status.st_ctime) > STILL:
        with suppress(OutputError):
            atomic.write_text(place, found)
    return found
