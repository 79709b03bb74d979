"""Checks a request's Host, API key and size before anything else reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.server import hosts
from pefbench.server.refusals import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pefbench.server.settings import Settings

GUARDED = ("/v1/", "/metrics")
"""Paths that require a key; the others reveal nothing about the models."""


class Gate:
    """Wraps an application with the limits of `settings`. A body is read in full before it is parsed."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check_host(scope)
            self._check_key(scope)
            body = await self._body(scope, receive)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        if body is None:  # the client has disconnected
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    def _check_host(self, scope: Scope) -> None:
        """Raise Refusal for a name that is not the server's. With keys nothing is checked: a strange page has none."""
        given = _header(scope, b"host")
        if self.settings.keys or self.settings.hosts is None or not given:  # browsers always say the host
            return
        name = hosts.named(given)
        if not hosts.is_known(name, self.settings.hosts):
            raise Refusal(403, f"this server does not answer to the name {name[:100]!r}; its operator can allow it")

    def _check_key(self, scope: Scope) -> None:
        """Raise Refusal for a wrong key."""
        given = _header(scope, b"authorization")
        if scope["path"].startswith(GUARDED) and not self.settings.lets_in(given):
            message = "the API key is not known" if given else "an API key is needed: Authorization: Bearer KEY"
            raise Refusal(401, message, {"WWW-Authenticate": "Bearer"})

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, or None if the client disconnects. Raises Refusal if it is too large."""
        most = self.settings.body
        stated = _header(scope, b"content-length")
        large = Refusal(413, f"the body is larger than {most:,} bytes", {"Connection": "close"})
        if stated.isdigit() and int(stated) > most:
            raise large
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise large
            more = message.get("more_body", False)
        return b"".join(parts)


def _header(scope: Scope, wanted: bytes) -> str:
    """The value of a header; empty if there is none."""
    found = next((value for name, value in scope["headers"] if name.lower() == wanted), b"")
    return str(found.decode("utf8", "surrogateescape"))
