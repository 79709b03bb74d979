"""Whether the hub answers: asked before it is used, because its library tries each request for half a minute."""

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
"""How long one answer may take."""
PAUSES = (1.0, 2.0)
"""Seconds to wait before the hub is asked again: a flaky network answers one of three times."""
REMEMBERED = 60.0
"""Seconds for which an answer holds: a process that runs for days learns that the network is back."""


@contextmanager
def offline_when_unreachable() -> Iterator[None]:
    """Inside, a hub that does not answer is as one with HF_HUB_OFFLINE=1: the cache is used, and nothing waits.

    The library's setting is put back at the end.
    """
    from huggingface_hub import constants

    if why_unreachable() is None:
        yield
        return
    with patch.object(constants, "HF_HUB_OFFLINE", new=True):
        if "datasets" not in sys.modules:  # it copies the setting when it is imported
            yield
            return
        with patch.object(sys.modules["datasets"].config, "HF_HUB_OFFLINE", new=True):
            yield


def why_unreachable() -> str | None:
    """Why the hub gives none of three requests an answer, whatever its status; None where it gives one."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return _remembered(constants.ENDPOINT, int(time.monotonic() // REMEMBERED))


@lru_cache(maxsize=1)
def _remembered(endpoint: str, period: int) -> str | None:  # noqa: ARG001 - a new period asks anew
    for pause in PAUSES:
        if _why_silent(endpoint) is None:
            return None
        time.sleep(pause)
    return _why_silent(endpoint)


def _why_silent(endpoint: str) -> str | None:
    """Ask once, as the library does: with its proxies and certificates. Return why there is no answer."""
    return within(SECONDS, lambda: _ask(endpoint))


def within(seconds: float, ask: Callable[[], str | None]) -> str | None:
    """What `ask` says of why there is no answer, or that it did not end in so many seconds."""
    found: list[str | None] = []
    # Looking up a name has no time limit of its own: a thread that is left behind has.
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
