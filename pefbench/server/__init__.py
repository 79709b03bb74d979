"""Saved trials behind HTTP: one frozen base for many adapters, which share its batches.

An application of your own has with `application` what `pefbench serve` has: limits and keys (`Settings`), refusals of
one sentence (`Refusal`), a page, health, readiness, and numbers for Prometheus (`Requests`). It is FastAPI's: add
routes to it, and have any ASGI server run it. It needs `pefbench[serve]`.

`mixing/` has one file for each type of adapter that can stand beside others in a batch; the rest shares none.
"""

from pefbench.server.counts import Requests
from pefbench.server.refusals import Refusal
from pefbench.server.settings import Settings, read_keys
from pefbench.server.shell import application
from pefbench.server.texts import check_text

__all__ = ["Refusal", "Requests", "Settings", "application", "check_text", "read_keys"]
