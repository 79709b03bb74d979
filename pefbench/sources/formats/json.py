"""JSON: a list of objects, an object with such a list under ``data``, or a table as pandas writes it.

By default pandas' ``to_json`` writes ``{"text": {"0": ..., "1": ...}, ...}``, by column; its ``split`` is
``{"columns": [...], "data": [[...], ...]}``, and ``index`` has an object for each row number. ``to_dict("list")``, and
Hugging Face's ``to_dict``, have a list for each column.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, SourceError
from pefbench.sources.documents import from_objects, is_pair, parse
from pefbench.sources.formats.jsonl import read_jsonl
from pefbench.sources.listing import listing
from pefbench.sources.reader import TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources.rows import BadRows, Rows


ROW, NUMBER, DESCRIBED = "row", "row_idx", "feature_idx"
"""The hub viewer's names for a row, the row's number and a column's number."""
TABLE = "table"
EXPORTED = ("header", "database", TABLE)
"""The types of objects in phpMyAdmin's exports: the header, the database and its tables."""
SPLITS = {"train", "training"}
"""Names of training splits."""


def read_json(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per object; a row's line is the object's number."""
    return read_part(text, f"{file}#", bad)


def read_part(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per object. A document may also be an object with a list of rows for each split.

    file: the file's name, then ``#`` and the split, "" for none. A row's line is the object's number. Raises DataError,
    or SourceError for an unknown split.
    """
    name, _, split = file.rpartition("#")
    if _are_lines(text):
        _refuse_split(name, split, {})
        table = read_jsonl(text, name, bad)
        return replace(table, notes=(*table.notes, "JSON Lines"))
    document = parse(text, name)
    splits = document if isinstance(document, dict) and _are_splits(document) else _tables(document)
    split = split or (next(iter(splits)) if len(splits) == 1 else "")
    _refuse_split(name, split, splits)
    if split:
        return from_objects(enumerate(splits[split], start=1), f"{name}#{split}", bad)
    found = _rows(document) if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise DataError(f"{name}: holds neither a list of objects nor {{'data': [...]}}")
    return from_objects(enumerate(found, start=1), name, bad)


def _refuse_split(file: str, split: str, splits: Mapping[str, Any]) -> None:
    """Raise SourceError if the split does not exist, or none of several is named."""
    if not splits and split:
        raise SourceError(f"{file}: is a single file and has no part {split!r}; give its folder as the source")
    if split not in splits and splits:
        wanted = f"has no split {split!r}" if split else "has a list of rows for each split"
        names = [str(name)[:40] for name in splits]
        part = "train" if "train" in names else names[0]
        raise SourceError(
            f"{file}: {wanted}; name one of {listing(names)}, as in data.train={PurePosixPath(file).name}#{part}"
        )


def _are_splits(document: Mapping[str, Any]) -> bool:
    """Whether an object consists of several lists of objects, at least one with the name of a training split."""
    return len(document) > 1 and not SPLITS.isdisjoint(document) and all(map(_are_objects, document.values()))


def _tables(document: Any) -> Mapping[str, Any]:
    """The rows of each table in an export of phpMyAdmin, a list of objects with a ``type``; otherwise empty."""
    if not _are_objects(document) or not all(each.get("type") in EXPORTED for each in document):
        return {}
    tables = [each for each in document if each["type"] == TABLE]
    return {str(each.get("name")): each["data"] for each in tables if isinstance(each.get("data"), list)}


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _are_pairs(value: Any) -> bool:
    """Whether a value lists texts with their annotations in spaCy's format; null is a skipped text."""
    return isinstance(value, list) and any(map(is_pair, value)) and all(each is None or is_pair(each) for each in value)


def _are_lines(text: str) -> bool:
    """Whether each line is a separate object, as Hugging Face's ``to_json`` writes for any suffix."""
    first, _, rest = text.lstrip().partition("\n")
    if not (first.startswith("{") and rest.lstrip().startswith("{")):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _rows(document: Mapping[str, Any]) -> list[Any] | None:
    """The rows of a table that is written as an object; None if it is not one."""
    names, columns = document.get("columns"), list(document.values())
    if isinstance(data := document.get("data"), list):
        split = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return [_named(names, row) for row in data] if split and names else data
    if len(columns) > 1 and all(_has(column, list, columns[0]) for column in columns):
        return [_named(document, list(row)) for row in zip(*columns, strict=True)]
    if columns and all(_has(column, dict, columns[0]) and column.keys() == columns[0].keys() for column in columns):
        return _by_number(document) or _only_rows(columns)
    return _only_rows(columns)


def _only_rows(values: list[Any]) -> list[Any] | None:
    """The only list of objects among an object's values, or inside its only object; None if it is ambiguous.

    The hub's viewer puts each row under ``row``, next to its number.
    """
    lists = [value for value in values if _are_objects(value) or _are_pairs(value)]
    found = [rows for rows in lists if not all(DESCRIBED in row for row in rows)]
    if len(found) == 1:
        return [row[ROW] if isinstance(row, dict) and {NUMBER, ROW} <= row.keys() else row for row in found[0]]
    is_wrapped = len(values) == 1 and isinstance(values[0], dict)
    return _only_rows(list(values[0].values())) if is_wrapped else None


def _named(names: Collection[str], row: Any) -> Any:
    """A row with its columns' names; unchanged if it is not a list of the same length."""
    return dict(zip(names, row, strict=True)) if _has(row, list, names) else row


def _by_number(document: Mapping[str, Mapping[str, Any]]) -> list[Any] | None:
    """The rows of an object of objects with equal keys, in which either level is indexed by row numbers."""
    inside = next(iter(document.values()))
    if inside and all(number.isdecimal() for number in inside):
        return [{name: column[number] for name, column in document.items()} for number in inside]
    return list(document.values()) if inside and all(number.isdecimal() for number in document) else None


def _has(value: Any, kind: type[list[Any] | dict[Any, Any]], like: Any) -> bool:
    return isinstance(value, kind) and isinstance(like, Collection) and len(value) == len(like)


READER = TextReader(read_part, suffixes=(".json",), has_splits=True)
