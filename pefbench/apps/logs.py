"""Structured logs: one JSON object per line on standard error, without users' texts unless they are enabled."""

from __future__ import annotations

import logging
import sys
from typing import Any

TEXTS = ("text", "texts", "message", "answer", "headline")
"""Fields with texts that users write or read."""


class Events:
    """The log of one application.

    `events("answered", intent="weather", text="...")` writes `{"time", "level", "app", "event", "intent"}`, and also
    the text if `texts` is True.
    """

    def __init__(self, app: str, *, texts: bool) -> None:
        from pythonjsonlogger.json import JsonFormatter

        handler = logging.StreamHandler(sys.stderr)
        names = {"asctime": "time", "levelname": "level", "message": "event"}
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(message)s",
                datefmt="%Y-%m-%dT%H:%M:%S%z",
                rename_fields=names,
                json_ensure_ascii=False,
            )
        )
        self._log = logging.Logger(f"pefbench.apps.{app}")  # noqa: LOG001 - independent of other logging configuration
        self._log.addHandler(handler)
        self._app, self._texts = app, texts

    def __call__(self, event: str, level: int = logging.INFO, **fields: Any) -> None:
        """Write one line. Fields named in TEXTS are left out unless texts are logged."""
        kept = {name: value for name, value in fields.items() if self._texts or name not in TEXTS}
        self._log.log(level, event, extra={"app": self._app, **kept})
