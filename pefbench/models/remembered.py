"""What was found in a large file, so that it is read again only after it has changed."""

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
"""Bytes from which a finding is remembered: reading the file takes longer than a look into the cache."""
STILL = 2.0
"""Seconds for which a file must not have changed before anything is remembered: clocks of file systems are coarse."""


def remembered(file: Path, kind: str, find: Callable[[Path], str], check: Callable[[str], object]) -> str:
    """What `find` finds in a file, or found when the file was as it is now.

    It is remembered under the file's inode, size, and times of change. The system sets the last of them at every
    change, and no program can set it back. kind: the folder in the cache. check: raises ValueError for a damaged text.
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
