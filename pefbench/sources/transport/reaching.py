"""Checks whether the hub is reachable before it is used, because its library retries each request for half a minute."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 5.0
"""Time limit of one request."""
PAUSES = (1.0, 2.0)
"""Seconds between the requests: on an unreliable network, one of three may succeed."""
REMEMBERED = 60.0
"""Seconds for which the result is reused; a process that runs for days notices that the network is back."""


@contextmanager
def offline_when_unreachable() -> Iterator[None]:
    """In this context, an unreachable hub counts as HF_HUB_OFFLINE=1: only the cache is used, without waiting.

    The library's setting is restored at the end.
    """
    from huggingface_hub import constants

    if why_unreachable() is None:
        yield
        return
    with patch.object(constants, "HF_HUB_OFFLINE", new=True):
        if "datasets" not in sys.modules:  # it copies the setting on import
            yield
            return
        with patch.object(sys.modules["datasets"].config, "HF_HUB_OFFLINE", new=True):
            yield


def why_unreachable() -> str | None:
    """Why the hub answers none of three requests; None if it answers one, with any status."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return _remembered(constants.ENDPOINT, int(time.monotonic() // REMEMBERED))


@lru_cache(maxsize=1)
def _remembered(endpoint: str, period: int) -> str | None:  # noqa: ARG001 - a new period asks again
    for pause in PAUSES:
        if _why_silent(endpoint) is None:
            return None
        time.sleep(pause)
    return _why_silent(endpoint)


def _why_silent(endpoint: str) -> str | None:
    """Send one request as the library does, with its proxies and certificates; return why there is no answer."""
    return within(SECONDS, lambda: _ask(endpoint))


def within(seconds: float, ask: Callable[[], str | None]) -> str | None:
    """The result of `ask`, or that it did not end within so many seconds."""
    found: list[str | None] = []
    # Name resolution has no timeout of its own, so run it in a thread that can be abandoned.
    asking = threading.Thread(target=lambda: found.append(ask()), daemon=True)
    asking.start()
    asking.join(seconds)
    return found[0] if found else f"no answer within {seconds:g} s"


def _ask(endpoint: str) -> str | None:
    from huggingface_hub import get_session

    try:
        get_session().head(endpoint, timeout=SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
        return " ".join(str(error).split())[:240] or type(error).__name__
    return None
