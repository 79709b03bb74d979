"""Functions that the readers of JSON share."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import clean_name, excerpt
from pefbench.sources.rows import Row, Rows, Values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pefbench.sources.rows import BadRows


PAIR = (str, dict)
"""A text and its annotations in spaCy's format: ``["Ada ran", {"entities": [[0, 3, "PER"]]}]``."""


def parse(text: str, file: str, line: int = 1) -> Any:
    """Parse JSON that begins on a line of a file. Raises DataError with the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{file}:{line + error.lineno - 1}: not JSON: {error.msg} at column {error.colno}") from None
    except ValueError:  # Python refuses to read integers of more than 4,300 digits
        raise DataError(f"{file}:{line}: contains a number with thousands of digits") from None
    except RecursionError:
        raise DataError(f"{file}: JSON nested too deeply to be read") from None


def are_json_lines(text: str) -> bool:
    """Whether the first line of a text is a JSON object, as in JSON Lines."""
    return text.lstrip().startswith("{") and _is_document(text.lstrip().partition("\n")[0])


def is_json(text: str) -> bool:
    """Whether a text is a single JSON document with objects."""
    return may_be_json(text) and _is_document(text)


def may_be_json(text: str) -> bool:
    """Whether a text begins like JSON with objects."""
    beginning = text.lstrip()
    return beginning.startswith("{") or (beginning.startswith("[") and beginning[1:].lstrip().startswith("{"))


def _is_document(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict | list) and bool(found)


def items(document: Any, key: str, where: str) -> list[Any]:
    """The list under a key of an object. Raises DataError if there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{where}: should be an object with a list under {key!r}")
    return found


def from_objects(records: Iterable[tuple[int, Any]], file: str, bad: BadRows) -> Rows:
    """Turn numbered objects into rows. A missing key is None; anything but an object is a bad row."""
    columns: dict[str, None] = {}  # an ordered set
    objects: list[tuple[int, Values]] = []
    for number, given in records:
        record = given
        if is_pair(given):
            record = {"text": given[0], **given[1]}
        if not isinstance(record, dict):
            bad(DataError(f"{file}:{number}: a row must be an object with column names, got {excerpt(record, 40)!r}"))
            continue
        columns |= dict.fromkeys(record)
        objects.append((number, record))
    shown = _clean(columns)
    objects = [(number, {shown[name]: value for name, value in record.items()}) for number, record in objects]
    columns = dict.fromkeys(shown.values())
    rows = [Row({name: record.get(name) for name in columns}, file, number) for number, record in objects]
    return Rows(tuple(columns), rows)


def is_pair(value: Any) -> bool:
    """Whether a value is a text with its annotations in spaCy's format."""
    return isinstance(value, list) and len(value) == len(PAIR) and all(map(isinstance, value, PAIR))


def _clean(columns: Iterable[str]) -> dict[str, str]:
    """Column -> its name without invisible characters, or unchanged if two names would be equal."""
    cleaned = {name: clean_name(name) for name in columns}
    counts = Counter(cleaned.values())
    return {name: shown if counts[shown] == 1 else name for name, shown in cleaned.items()}
