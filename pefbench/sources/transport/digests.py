"""The sha256 of files, and its notations."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pefbench.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def digest_of(path: Path) -> str:
    """The sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain_digest(sha256: str, source: str) -> str:
    """A digest as 64 lower-case hex digits, without pip's prefix ``sha256:``. Raises SourceError."""
    plain = sha256.strip().lower().removeprefix("sha256:")
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise SourceError(f"{source}: {sha256!r} is not a sha256, which has 64 hex digits")
    return plain


def check_digest(path: Path, source: str, sha256: str | None) -> None:
    """Raise SourceError if a digest is given and the file has a different one."""
    if sha256 is not None and (found := digest_of(path)) != plain_digest(sha256, source):
        raise SourceError(f"{source}: {path.name} has sha256 {found}, expected {plain_digest(sha256, source)}")
