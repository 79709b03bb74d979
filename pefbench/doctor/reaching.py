"""Checks whether the hub answers, within a time limit that also holds if the network drops everything."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from pefbench.sources.transport.reaching import within

if TYPE_CHECKING:
    from pefbench.doctor.found import Hub

SECONDS = 3.0
"""Time limit of an answer."""


def hub() -> Hub:
    """Ask the hub for any answer, unless HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    found: Hub = {
        "endpoint": constants.ENDPOINT,
        "offline": bool(constants.HF_HUB_OFFLINE),
        "reachable": None,
        "seconds": None,
        "error": None,
    }
    if found["offline"]:
        return found
    started = time.perf_counter()
    why = within(SECONDS, lambda: _ask(found["endpoint"]))
    if not why:
        return {**found, "reachable": True, "seconds": time.perf_counter() - started}
    return {**found, "reachable": False, "error": why}


def _ask(address: str) -> str:
    """Why there is no answer; empty if there is one."""
    try:
        request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "pefbench"})  # noqa: S310 - the user's own endpoint
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return f"it answers with status {error.code}" if error.code >= 500 else ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        return " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
