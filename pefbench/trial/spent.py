"""Time spent: wall-clock and processor seconds."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Spent:
    """Wall-clock seconds, and the processor seconds of all threads of this process."""

    seconds: float = 0.0
    processor_seconds: float = 0.0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add the time that the block takes."""
        started, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started
            self.processor_seconds += time.process_time() - used
