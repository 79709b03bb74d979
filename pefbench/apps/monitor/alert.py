"""Sends alerts to a webhook, a file or standard output. Each alert has a key that identifies it."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from pefbench import Json
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STANDARD_OUTPUT = 1
"""The file descriptor of standard output."""
PATIENCE = 10.0
"""Seconds within which a webhook must answer."""

Message = Json
"""An alert; its `key` is unique."""


class Channel(ABC):
    """A channel through which alerts are sent."""

    @abstractmethod
    def send(self, message: Message) -> None:
        """Send an alert. Raises OutputError if it did not arrive; the caller then tries again."""


class Output(Channel):
    """Standard output, one object per line."""

    def send(self, message: Message) -> None:
        """Write a line."""
        try:
            with os.fdopen(STANDARD_OUTPUT, "wb", closefd=False) as out:
                out.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise OutputError(f"standard output: {error.strerror}") from None


class File(Channel):
    """A file, one object per line. After a crash, a line that was cut off is written again, a complete one is not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message) -> None:
        """Append a line, unless the file already has it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                file.seek(0)
                whole = [line for line in file if line.endswith(b"\n")]
                if any(_key(line) == message["key"] for line in whole):
                    return
                file.truncate(sum(map(len, whole)))
                file.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written: {error.strerror}") from None


class Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: a POST would become a GET without the alert, and another host would get the headers."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, so that the redirect itself is the response."""


class Webhook(Channel):
    """An address that gets a POST with the alert as JSON; the header Idempotency-Key has the alert's key."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address, self._headers = address, dict(headers)
        self._opener = urllib.request.build_opener(Straight)

    def send(self, message: Message) -> None:
        """Send a POST; any 2xx status means that it arrived."""
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": message["key"]}
        body = json.dumps(message, ensure_ascii=False).encode()
        request = urllib.request.Request(self._address, body, headers, method="POST")  # noqa: S310 - checked in config
        try:
            with self._opener.open(request, timeout=PATIENCE):
                pass
        except urllib.error.HTTPError as error:
            raise OutputError(f"webhook: answered {error.code}") from None
        except (OSError, ValueError) as error:
            raise OutputError(f"webhook: {getattr(error, 'reason', error)}") from None
        except HTTPException as error:  # the server does not speak HTTP, or the address is invalid
            told = " ".join(str(error).split())
            raise OutputError(f"webhook: {type(error).__name__}: {told}") from None


def _key(line: bytes) -> Any:
    try:
        return json.loads(line).get("key")
    except (ValueError, AttributeError):
        return None
