"""Whether the launcher that started this process, such as `accelerate launch`, still runs.

If it is killed by SIGKILL, it cannot end its workers. This looks at the parent's process id instead of asking Linux for
a signal on its death (PR_SET_PDEATHSIG): that signal comes when the thread that started the process ends, and does not
wait for a step. A launcher that dies before the first look is not noticed.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path, PurePath

LAUNCHERS = {"accelerate", "torchrun", "deepspeed"}
"""The names of launchers' commands."""
MODULES = ("accelerate.", "torch.distributed.", "deepspeed.")
"""How the modules begin that Python runs as launchers."""
WORDS = 4
"""The number of words of a command among which the launcher's name is: ``python -u -m NAME``."""


@cache
def launcher() -> int | None:
    """The process id of this process's parent if that is a launcher. None if it is not, or without Linux's /proc."""
    parent = os.getppid()
    try:
        command = Path(f"/proc/{parent}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    found = any(PurePath(word).name in LAUNCHERS or word.startswith(MODULES) for word in command[:WORDS])
    return parent if found else None


def is_orphaned() -> bool:
    """Whether the launcher has died since the first call of `launcher`."""
    return launcher() not in {None, os.getppid()}
