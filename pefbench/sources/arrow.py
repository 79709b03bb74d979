"""Arrow tables as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import clean_name
from pefbench.sources.documents import parse
from pefbench.sources.features import converter
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping


def table_rows(table: Any, features: Mapping[str, Any], file: str) -> Rows:
    """The rows of an Arrow table. features: column name -> type, as `datasets` writes it to JSON."""
    try:
        written = table.column_names
    except UnicodeDecodeError:
        raise DataError(f"{file}: the name of a column is damaged") from None
    columns = [_column(table, i, name, features, file) for i, name in enumerate(written)]
    names = tuple(map(clean_name, written))
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{file}: two columns are called {doubled!r}")
    rows = [
        Row(dict(zip(names, values, strict=True)), file, number)
        for number, values in enumerate(zip(*columns, strict=True), start=1)
    ]
    return Rows(names, rows)


def features_in(metadata: Mapping[bytes, bytes] | None, file: str) -> Mapping[str, Any]:
    """The column types that `datasets` stored with a table, by column.

    Raises DataError if they are damaged, because labels would then be read as numbers.
    """
    written = (metadata or {}).get(b"huggingface", b"{}")
    stored = parse(written.decode("utf-8", errors="replace"), f"{file}: its 'huggingface' metadata")
    info = stored.get("info", {}) if isinstance(stored, dict) else None
    features = info.get("features") or {} if isinstance(info, dict) else None
    if not isinstance(features, dict):
        raise DataError(f"{file}: its 'huggingface' metadata is damaged: it should hold info and features")
    return features


def _column(table: Any, number: int, name: str, features: Mapping[str, Any], file: str) -> list[Any]:
    where = f"{file}: column {name!r}"
    try:
        values: list[Any] = table.column(number).to_pylist()
    except (ValueError, OverflowError, ArithmeticError, TypeError) as error:  # dates beyond Python's, damaged UTF-8
        raise DataError(f"{where}: cannot be read: {' '.join(str(error).split())[:200]}") from None
    convert = converter(features.get(name), where)
    if convert is None:
        return values
    try:
        return [convert(value) for value in values]
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{where}: its labels are not indices of its label names ({str(error)[:120]})") from None
