"""The folder where downloads are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$PEFBENCH_CACHE``, else ``$XDG_CACHE_HOME/pefbench``, else ``~/.cache/pefbench``; need not exist yet."""
    if own := os.environ.get("PEFBENCH_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "pefbench"
    return Path.home() / ".cache" / "pefbench"
