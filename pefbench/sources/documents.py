"""What the readers of JSON share."""

from __future__ import annotations

import json
from typing import Any

from pefbench.errors import DataError


def parse(text: str, file: str, line: int = 1) -> Any:
    """Parse JSON that begins on a line of a file. Raises DataError with the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{line + error.lineno - 1}: not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise DataError(f"{file}: not JSON that can be read: nested too deeply") from None


def items(document: Any, key: str, where: str) -> list[Any]:
    """Return the list under a key of an object. Raises DataError when there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{where}: should be an object with a list under {key!r}")
    return found
