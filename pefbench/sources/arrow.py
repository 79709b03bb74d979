"""Arrow tables as rows, with the hub's ClassLabel integers turned into the names they stand for.

Hugging Face `datasets` stores a column's type beside the data, as JSON such as
``{"tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "List"}}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Convert = Callable[[Any], Any]

UNLABELLED = -1  # what hidden test sets have for a label


def table_rows(table: Any, features: Mapping[str, Any], file: str) -> Rows:
    """The rows of an Arrow table. features: column name -> type, as `datasets` writes it to JSON."""
    columns: list[list[Any]] = []
    for name in table.column_names:
        values = table.column(name).to_pylist()
        columns.append(_named(values, features.get(name), f"{file}: column {name!r}"))
    names = tuple(table.column_names)
    rows = [
        Row(dict(zip(names, values, strict=True)), file, number)
        for number, values in enumerate(zip(*columns, strict=True), start=1)
    ]
    return Rows(names, rows)


def _named(values: list[Any], feature: object, where: str) -> list[Any]:
    convert = _converter(feature)
    if convert is None:
        return values
    try:
        return [convert(value) for value in values]
    except (IndexError, TypeError) as error:
        raise DataError(f"{where}: its labels are not numbers of its label names ({error})") from None


def _converter(feature: object) -> Convert | None:
    """What turns the labels in a value of this type into names, or None when there are no labels in it."""
    if isinstance(feature, list):  # an older spelling of a list
        return _in_list(_converter(feature[0]))
    if not isinstance(feature, dict):
        return None
    kind, inner = feature.get("_type"), feature.get("feature")
    if kind is None:
        return _in_struct({name: _converter(item) for name, item in feature.items()})
    if kind == "Sequence" and isinstance(inner, dict) and "_type" not in inner:
        # the older sequence of structs, which is stored as a struct of lists
        return _in_struct({name: _in_list(_converter(item)) for name, item in inner.items()})
    if kind in {"Sequence", "List", "LargeList"}:
        return _in_list(_converter(inner))
    return _namer(feature["names"]) if kind == "ClassLabel" else None


def _namer(names: list[str]) -> Convert:
    def convert(value: int | None) -> str | None:
        if value is None or value == UNLABELLED:
            return None
        if value < 0:
            raise IndexError(f"label {value}")
        return names[value]

    return convert


def _in_list(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda values: None if values is None else [convert(value) for value in values]


def _in_struct(converters: Mapping[str, Convert | None]) -> Convert | None:
    used = {name: convert for name, convert in converters.items() if convert}
    if not used:
        return None

    def convert(value: Any) -> Any:
        if value is None:
            return None
        return {name: used[name](item) if name in used else item for name, item in value.items()}

    return convert
