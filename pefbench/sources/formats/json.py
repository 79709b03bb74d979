"""JSON: a list of objects, or an object with such a list under ``data``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.documents import from_objects, parse
from pefbench.sources.reader import TextReader

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Rows


def read_json(text: str, file: str, bad: BadRows) -> Rows:
    """Read one object a row; lines are the numbers of the items."""
    document = parse(text, file)
    if isinstance(document, dict):
        document = document.get("data", document)
    if not isinstance(document, list):
        raise DataError(f"{file}: holds neither a list of objects nor {{'data': [...]}}")
    return from_objects(enumerate(document, start=1), file, bad)


READER = TextReader(read_json, suffixes=(".json",))
