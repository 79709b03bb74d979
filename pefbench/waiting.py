"""How threads wait for each other on a CPU that is shared with other processes.

torch's threads meet at the end of each parallel region. By default libgomp lets early threads spin for some
milliseconds before they sleep. On an idle machine this saves a wake-up. If another process uses a core, the late thread
waits for that core while the others keep spinning on theirs, again and again.
"""

from __future__ import annotations

import os

VARIABLE = "GOMP_SPINCOUNT"
SPINS = 30_000
"""The number of spins before a thread sleeps, a tenth of libgomp's default: fewer cost time on an idle machine, more on
a busy one (`python -m benchmarks.shared_machine`).
"""


def wait_briefly() -> None:
    """Make waiting threads sleep soon, unless the user has chosen otherwise. Call it before torch is imported."""
    if not {VARIABLE, "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ[VARIABLE] = str(SPINS)
