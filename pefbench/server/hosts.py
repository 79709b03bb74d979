"""The names to which a server on loopback answers.

A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding). Browsers then let it read a local
server's answers, but they still send its name as the Host.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Sequence

LOCAL = "localhost"


def allowed(listening: socket.socket, names: Sequence[str]) -> tuple[str, ...] | None:
    """The names for `Settings.hosts`: any (None) where other machines are served, unless the operator gives some."""
    if names or ip_address(listening.getsockname()[0]).is_loopback:
        return tuple(names)
    return None


def named(host: str) -> str:
    """The name or address in a Host header, without its port."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    return name.strip("[]").rstrip(".").lower()


def is_known(name: str, names: Collection[str]) -> bool:
    """Whether this is an address, localhost or one of `names`. Nobody can have an address resolve to another one."""
    if name == LOCAL or name.endswith(f".{LOCAL}") or name in {each.lower() for each in names}:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
