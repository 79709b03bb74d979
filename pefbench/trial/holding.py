"""Leases for trials: one process runs a trial wherever results are shared; the others wait or run another trial."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from accelerate.utils import broadcast_object_list

from pefbench.errors import HeldError
from pefbench.progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.results.place import Place

ROUND = 10.0
"""Seconds after which the waiting main process tells the trial's other processes that it is still waiting."""


@contextmanager
def held(place: Place, result: Path, *, is_main: bool, patience: float | None) -> Iterator[None]:
    """Hold a trial's lease; the main process does so for all.

    patience: seconds to wait for another process that holds it; None: without limit. Raises HeldError after that.
    """
    lease = place.lease(result) if is_main else None
    until = None if patience is None else time.monotonic() + patience
    told = False
    while True:
        left = ROUND if until is None else min(ROUND, max(0.0, until - time.monotonic()))
        ours = bool(broadcast_object_list([lease.acquire(left if told else 0.0) if lease else None])[0])
        if ours:
            break
        if until is not None and time.monotonic() >= until:
            raise HeldError(f"{result}: another process runs this trial")
        if is_main and not told:
            say(f"another process runs this trial; waiting for it: {result}")
        told = True
    try:
        yield
    finally:
        if lease is not None:
            lease.release()
