"""The text of a file: read, unpacked where it is compressed, and decoded."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path, name: str, encoding: str = "utf-8") -> str:
    """The text of a file under the name that messages give it. Raises SourceError or DataError."""
    return decode(read_bytes(path, name), name, encoding)


def read_bytes(path: Path, name: str) -> bytes:
    """What a file holds, unpacked when its name ends in ``.gz``. Raises SourceError or DataError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}") from None
    if not name.lower().endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: not gzip, or cut short: {error}") from None


def decode(data: bytes, name: str, encoding: str) -> str:
    """Decode, and drop a byte order mark; another encoding than the given one is never guessed. Raises DataError."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, errors="replace").count("\n") + 1
        raise DataError(
            f"{name}:{line}: not {encoding.upper()} (byte 0x{data[error.start]:02x}); "
            "name the file's encoding with data.encoding, such as latin-1"
        ) from None


def check_encoding(name: str) -> None:
    """Raise SourceError for an encoding that Python does not know, or that is not one of text."""
    try:
        b"text".decode(name)
    except UnicodeDecodeError:
        pass  # one of several bytes a character
    except (LookupError, ValueError):
        raise SourceError(f"unknown encoding {name!r}; usual ones are utf-8, utf-16, latin-1 and cp1252") from None
