"""Column types as written by Hugging Face `datasets`: they turn integer labels into names.

The types are stored with the data, as JSON such as
``{"tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "List"}}``: in a Parquet file's
metadata, or in a `dataset_info.json`, `dataset_infos.json` or `features.json` in the file's folder.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import excerpt, named
from pefbench.sources.documents import parse
from pefbench.sources.rows import Rows
from pefbench.sources.texts import EncodingError, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pefbench.sources.rows import BadRows, Row

    Convert = Callable[[Any], Any]
    Features = Mapping[str, Any]

BESIDE = ("dataset_info.json", "dataset_infos.json", "features.json")


def beside(folder: Path) -> tuple[str, Features]:
    """The file in a folder that describes its columns, and the column types; ("", {}) if there is none."""
    for name in BESIDE:
        if (folder / name).is_file() and (found := _features(parse(_text(folder / name), name))):
            return name, found
    return "", {}


def _text(file: Path) -> str:
    try:
        return read_text(file, file.name)
    except EncodingError as error:
        raise DataError(str(error)) from None  # such a file is UTF-8, whatever `data.encoding` says


def _features(document: Any) -> Features:
    """The types in a document: at its top level, under ``features``, or likewise under its only configuration."""
    if not isinstance(document, dict):
        return {}
    inner = document.get("features")
    if isinstance(inner, dict):
        return inner
    if any(isinstance(value, dict) and "_type" in value for value in document.values()):
        return document
    configurations = [value for value in document.values() if isinstance(value, dict) and "features" in value]
    return _features(configurations[0]) if len(configurations) == 1 else {}


def name_labels(rows: Rows, features: Features, by: str) -> Rows:
    """Replace integer labels by names. by: the file that names them, for messages. Raises DataError."""
    converters = {name: convert for name in rows.columns if (convert := converter(features.get(name), f"{by}: {name}"))}
    if not converters:
        return rows
    return Rows(
        rows.columns,
        [_named(row, converters, by) for row in rows.rows],
        rows.revision,
        (*rows.notes, f"label names from {by}"),
    )


def _named(row: Row, converters: Mapping[str, Convert], by: str) -> Row:
    for name, convert in converters.items():
        try:
            row.values[name] = convert(row.values[name])
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{row.where}: column {name!r} is not of the type in {by}: {str(error)[:120]}") from None
    return row


def named_rows(rows: Iterable[Row], column: str, names: Sequence[str], bad: BadRows) -> list[Row]:
    """Replace the numeric labels in one column by the recipe's names."""

    def read(row: Row) -> Row:
        try:
            return replace(row, values=row.values | {column: named(row.values[column], names)})
        except ValueError as error:
            raise DataError(f"{row.where}: {column!r}: {error} (data.labels)") from None

    return bad.good(rows, read)


def converter(feature: object, where: str) -> Convert | None:
    """A function that turns the labels in a value of this type into names, or None if it contains no labels.

    Raises DataError if the type is damaged.
    """
    if isinstance(feature, list):  # an older notation for a list
        return _in_list(converter(feature[0] if feature else None, where))
    if not isinstance(feature, dict):
        return None
    kind, inner = feature.get("_type"), feature.get("feature")
    if kind is None:
        return _in_struct({name: converter(item, where) for name, item in feature.items()})
    if kind == "Sequence" and isinstance(inner, dict) and "_type" not in inner:
        # the older sequence of structs, stored as a struct of lists
        return _in_struct({name: _in_list(converter(item, where)) for name, item in inner.items()})
    if kind in {"Sequence", "List", "LargeList"}:
        return _in_list(converter(inner, where))
    return _namer(feature.get("names"), where) if kind == "ClassLabel" else None


def _namer(names: object, where: str) -> Convert:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{where}: its label names should be a list of strings, got {excerpt(names, 60)!r}")
    return lambda value: named(value, names)


def _in_list(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None

    def convert_all(values: Any) -> Any:
        return [convert(value) for value in values] if isinstance(values, list) else convert(values)

    return convert_all


def _in_struct(converters: Mapping[str, Convert | None]) -> Convert | None:
    used = {name: convert for name, convert in converters.items() if convert}
    if not used:
        return None

    def convert(value: Any) -> Any:
        if value is None:
            return None
        return {name: used[name](item) if name in used else item for name, item in value.items()}

    return convert
