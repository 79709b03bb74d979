"""Joint sources: several addresses joined by " + "."""

from __future__ import annotations

import re

from pefbench.errors import SourceError

JOINT = " + "


def members(source: str, part: str | None, sha256: str | None = None) -> list[tuple[str, str | None]]:
    """The (source, part) pairs to read, in order, for a part of a source; usually one.

    A part of a joint source, ``wheel:a==1!x/first + hf:b/second``, names one or more of its members by the last names
    of their paths, each optionally with its own part after a #: ``first``, ``first + second#train``. None: all members.
    Raises SourceError.
    """
    addresses = source.split(JOINT)
    if len(addresses) == 1:
        return [(source, part)]
    if sha256 is not None:
        raise SourceError(f"{source}: one sha256 cannot pin several sources; pin each in wheels.txt")
    by_name = {re.split(r"[:!/]", address.strip().rstrip("/"))[-1]: address.strip() for address in addresses}
    if len(by_name) < len(addresses):
        raise SourceError(f"{source}: two of these sources end in the same name, so their parts cannot be told apart")
    named = list(by_name) if part is None else [name.strip() for name in part.split(JOINT)]
    wanted = [(name, None) if name in by_name else _divided(name) for name in named]
    if unknown := [name for name, _ in wanted if name not in by_name]:
        raise SourceError(f"{source}: has no part {unknown[0]!r}; it has {', '.join(sorted(by_name))}")
    return [(by_name[name], inside) for name, inside in wanted]


def _divided(part: str) -> tuple[str, str | None]:
    """Split ``name#part`` into a member's name and its part."""
    name, _, inside = part.partition("#")
    return name, inside or None
