"""Where the package and the project lie: everything that is found beside the code is found from here."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder `pefbench/`."""
PROJECT = PACKAGE.parent
"""The folder that holds it: a checkout of the project, or `site-packages`."""


def child_environment(dropped: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment of a child process that imports this package, wherever it is started.

    dropped: prefixes of variables that the child must not inherit, such as a launcher's.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), kept.get("PYTHONPATH")]))}
