"""How threads wait for each other on a CPU that others use, too.

torch's threads meet at the end of each parallel region. By default libgomp lets those that are early spin for some
milliseconds before they sleep. On an idle machine that saves a wake-up; where another process has a core, the thread
that is late waits for that core while the others burn theirs, again and again.
"""

from __future__ import annotations

import os

VARIABLE = "GOMP_SPINCOUNT"
SPINS = 30_000
"""Turns of waiting before a thread sleeps, a tenth of libgomp's own: fewer cost time on an idle machine, more on a busy
one (`python -m benchmarks.shared_machine`)."""


def wait_briefly() -> None:
    """Let threads that wait sleep soon, unless the user has chosen. Before torch is imported, which reads it then."""
    if not {VARIABLE, "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ[VARIABLE] = str(SPINS)
