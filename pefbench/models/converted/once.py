"""Models that are converted from other files once, and are ordinary folders from then on; written atomically."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import SourceError
from pefbench.paths import cache_folder
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def once(kind: str, name: str, source: str, write: Callable[[Path], None]) -> Path:
    """The folder of a model that `write` writes the first time. Several processes may call this at once.

    kind: the folder in the cache for all models of this kind. name: identifies everything that the model depends on.
    Raises SourceError: what `write` raises, or if the cache folder has no room.
    """
    from filelock import FileLock

    folder = cache_folder() / kind / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{name}.lock")):
            if not folder.is_dir():
                say(f"{source}: converting its weights (once)")
                with atomic.replacing(folder) as model:
                    write(model)
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(f"{source}: cannot be converted into {folder.parent}: {reason}") from None
    return folder
