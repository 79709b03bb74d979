"""Serves saved trials over HTTP: many adapters share one frozen base and its batches.

`application` gives your own application what `pefbench serve` has: limits and API keys (`Settings`), one-sentence error
responses (`Refusal`), a page, health and readiness checks, and Prometheus metrics (`Requests`). It returns a FastAPI
application: add routes to it and run it with any ASGI server. It needs `pefbench[serve]`.

`mixing/` has one file for each adapter type that can share a batch with other adapters; all other types cannot.
"""

from pefbench.server.counts import Requests
from pefbench.server.refusals import Refusal
from pefbench.server.settings import Settings, read_keys
from pefbench.server.shell import application
from pefbench.server.texts import check_text

__all__ = ["Refusal", "Requests", "Settings", "application", "check_text", "read_keys"]
