"""Runs a server, from opening its socket to shutdown."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from pefbench.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI


BACKLOG = 2048


class Server(uvicorn.Server):
    """A server that exits normally on a signal: uvicorn would raise the signal again and kill the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down on SIGTERM and SIGINT."""
        before: dict[int, Any] = {
            each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to this address. Raises SourceError if that fails."""
    made: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)  # so that no other process takes the port while models are loaded
    except OSError as error:
        if made is not None:
            made.close()
        if error.errno == errno.EADDRINUSE:
            raise SourceError(f"port {port} of {host} is in use; name another: --port") from None
        raise SourceError(f"cannot listen at {host}, port {port}: {error.strerror}") from None
    return made


def address(listening: socket.socket) -> str:
    """The URL of a server that listens there."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run(app: FastAPI, listening: socket.socket, patience: float) -> None:
    """Serve until a signal arrives, then finish the accepted requests."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=int(patience) or 1, server_header=False
    )
    asyncio.run(Server(config).serve(sockets=[listening]))
