"""Reads files of other tools: their JSON, digests, and values if these have the expected type."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

JsonObject = dict[str, Any]  # another tool's JSON: each value is checked where it is read

_LFS = "version https://git-lfs.github.com/spec/"
"""The beginning of the pointer that a repository has in place of a large file."""


def read_text(path: Path) -> str:
    """A file's text. Raises DataError if it cannot be read or is not text."""
    try:
        text = path.read_text(encoding="utf8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text") from None
    if not text.strip():
        raise DataError(f"{path}: empty")
    if text.startswith(_LFS):
        raise DataError(f"{path}: a Git LFS pointer, not the file itself; fetch it with git lfs pull")
    return text


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises DataError, with the line, for a damaged one."""
    return parsed(read_text(path), path)


def parsed(content: str, path: Path) -> Any:
    """The value of a JSON file's content. Raises DataError, with the line, for a damaged one."""
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: damaged JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged JSON ({type(error).__name__})") from None


def short_digest(value: object) -> str:
    """12 hex digits that identify a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def section(value: Any, *names: str) -> JsonObject:
    """The nested object at the path `names`; empty if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """The value if it is text, otherwise None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """The value if it is a whole number above 0, otherwise None."""
    return value if type(value) is int and value > 0 else None


def number(value: object) -> float | None:
    """The value if it is a number, including NaN and infinity, otherwise None."""
    return float(value) if type(value) in {int, float, bool} else None  # type: ignore[arg-type]
