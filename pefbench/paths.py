"""The paths of the package and of the project, from which everything beside the code is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder `pefbench/`."""
PROJECT = PACKAGE.parent
"""The folder that contains it: a checkout of the project, or `site-packages`."""


LAUNCHER_VARIABLES = (
    *("RANK", "WORLD_SIZE", "LOCAL_", "MASTER_", "GROUP_", "ROLE_"),
    *("TORCHELASTIC_", "ACCELERATE_", "FORK_"),
)
"""Prefixes of the variables by which a launcher tells a process that it is one of its workers."""


TOLD = "PEFBENCH_RESULT_TO"
"""The variable that names a file to which `pefbench run` writes the path of its result."""


INTERPRETER = sys.executable
"""The executable that runs a child process."""


def child_command(*arguments: str) -> list[str]:
    """The command of a child process that runs this package."""
    return [INTERPRETER, "-m", "pefbench", *arguments]


def child_environment() -> dict[str, str]:
    """The environment of a child process that imports this package, in any folder, and is not a launcher's worker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHER_VARIABLES)}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), kept.get("PYTHONPATH")]))}


def cache_folder() -> Path:
    """The folder of downloads: ``$PEFBENCH_CACHE``, else ``$XDG_CACHE_HOME/pefbench``, else ``~/.cache/pefbench``.

    It need not exist yet.
    """
    if own := os.environ.get("PEFBENCH_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "pefbench"
    return Path.home() / ".cache" / "pefbench"
