"""Runs the work of requests in threads, so that the event loop answers others meanwhile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from pefbench.server.refusals import busy

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 40
"""How many threads work at once; the rest wait for one."""

Parameters = ParamSpec("Parameters")
Found = TypeVar("Found")


class Threads:
    """waiting: how many requests have no answer yet; beyond `capacity`, they are refused."""

    def __init__(self, capacity: int) -> None:
        self.waiting, self._capacity = 0, capacity
        self._limiter = CapacityLimiter(AT_ONCE)  # of its own: health and metrics need no place

    async def run(
        self, work: Callable[Parameters, Found], *given: Parameters.args, **named: Parameters.kwargs
    ) -> Found:
        """The result of `work`, run in a thread. Raises Refusal, with status 429, if too many requests wait."""
        if self.waiting >= self._capacity:
            raise busy()
        self.waiting += 1
        try:
            return await to_thread.run_sync(partial(work, *given, **named), limiter=self._limiter)
        finally:
            self.waiting -= 1
