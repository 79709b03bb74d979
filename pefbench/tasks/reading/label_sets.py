"""Reads texts with any number of labels: a list, a column of 0 and 1 for each label, or names with separators."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.examples import LabelSetExample
from pefbench.heads.multi_label import MultiLabelDataset
from pefbench.remarks import Odd
from pefbench.sources.cells import INVISIBLE, as_list, clean_word
from pefbench.tasks import Several
from pefbench.tasks.reading import labels, values
from pefbench.tasks.reading.booleans import MEANING
from pefbench.tasks.reading.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.heads.multi_label import Thresholds
    from pefbench.sources import BadRows, Row

SEPARATORS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}
SPACE = {"space": " "}
NONE = {"none": ""}
"""Names of separators, since YAML gives some of the characters another meaning."""
NUMBERS_OF_ROWS = ("", "id", "index", "idx", "row", "unnamed: 0", "tweet_id", "comment_id", "text_id", "doc_id")
"""Columns, in lower case, that are not labels although all other columns are."""
NAME = "name"
"""The key of a label's name if labels are objects."""
WANTED = "a list of names or whole numbers ([] or an empty text where there is none)"


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, separator: str | None, thresholds: Thresholds
) -> MultiLabelDataset:
    """Read texts and their labels: `Task.read` of a task whose texts have any number of labels.

    separator: the separator of labels in a text, or its name; None: detected by `found_separator`. Raises DataError if
    training has no labels at all, or the separator cannot be detected.
    """
    notes: list[str] = []
    if separator is None:
        separator = found_separator(_texts(row for rows in splits.values() for row in rows), splits["train"][0])
        notes += [f"labels separated by {separator}s"] if separator != "none" else []
    read_row = partial(_example, separator=(SEPARATORS | SPACE | NONE).get(separator, separator))
    train = bad.good(splits["train"], read_row)
    taught = Counter(label for example in train for label in example.labels)
    if not taught:
        raise DataError(f"{splits['train'][0].file}: no training text has any label")
    if all(len(example.labels) == 1 for example in train):
        notes.append(Odd("every training text has exactly one label; the task `topic` is made for that"))
    unseen = Unseen(taught, bad)

    def checked(row: Row, split: str) -> LabelSetExample:
        found = read_row(row)
        unseen.count_or_refuse(found.labels, split, row.where, row.name("labels"))
        return found

    others = {
        split: bad.good(rows, partial(checked, split=split)) for split, rows in splits.items() if split != "train"
    }
    examples = {split: others.get(split, train) for split in splits}
    return MultiLabelDataset(examples, unseen.known, [*notes, *unseen.notes], thresholds)


def _example(row: Row, separator: str) -> LabelSetExample:
    """A row's text, or both of a pair, with its labels. Raises DataError if one is missing."""
    return LabelSetExample(values.text(row, "text"), _labels(row, separator), labels.pair(row))


def _labels(row: Row, separator: str) -> tuple[str, ...]:
    """The distinct labels of a row, sorted. Raises DataError if the cell is missing or malformed."""
    cell = row.values["labels"]
    if isinstance(cell, str):
        cell = _listed(row, cell, separator)
    elif not isinstance(cell, list):
        cell = [cell]
    return tuple(sorted({_label(row, item) for item in cell}))


def _listed(row: Row, cell: str, separator: str) -> list[Any]:
    try:
        found = as_list(cell)
    except ValueError as error:
        raise DataError(f"{row.where}: {row.name('labels')} looks like a list and is {error}: {cell[:60]!r}") from None
    found = values.as_list(cell) if found is None else found
    return _divided(cell, separator) if found is None else found


def _divided(cell: str, separator: str) -> list[str]:
    """The non-empty labels in a text; a space means any white space, "" no separator."""
    parts = cell.split(None if separator == " " else separator) if separator else [cell]
    return [part for part in parts if _is_seen(part)]


def _is_seen(text: str) -> bool:
    return bool(text.translate(INVISIBLE).strip())


def _label(row: Row, item: Any) -> str:
    named = item.get(NAME) if isinstance(item, dict) else item  # TMDB's genres: [{"id": 18, "name": "Drama"}]
    value = values.whole(named)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not _is_seen(value):
        raise values.wrong(row, "labels", WANTED)
    return clean_word(value)


def _texts(rows: Iterable[Row]) -> list[str]:
    """The distinct cells that are texts rather than lists."""
    cells = dict.fromkeys(cell for row in rows if isinstance(cell := row.values["labels"], str) and _is_seen(cell))
    return [cell for cell in cells if not (cell.strip().startswith("[") and cell.strip().endswith("]"))]


def found_separator(cells: Sequence[str], first: Row) -> str:
    """The name of the separator of labels in these distinct texts; "none" if there is none.

    It is the only usual separator that occurs, provided that one of the parts also occurs in another text; or a space,
    if all parts are whole numbers. Raises DataError, with the file of `first`, if this is ambiguous.
    """
    there = [name for name, separator in SEPARATORS.items() if any(separator in cell for cell in cells)]
    if not there:
        spaced = [cell for cell in cells if len(cell.split()) > 1]
        is_numbers = all(part.isdecimal() for cell in cells for part in cell.split())
        return "space" if spaced and is_numbers else "none"
    separator = SEPARATORS[there[0]]
    divided = [cell for cell in cells if separator in cell]
    where = f"{first.file}: {first.name('labels')}"
    if len(there) > 1:
        both = " or ".join(f"a {name}" for name in there)
        raise DataError(f"{where}: {both} may separate its labels, as in {divided[0][:60]!r}; set options.separator")
    parts = Counter(part.strip() for cell in cells for part in {*_divided(cell, separator)})
    if all(parts[part.strip()] == 1 for cell in divided for part in _divided(cell, separator)):
        raise DataError(
            f"{where}: {divided[0][:60]!r} may be one label or several, as no other row has any of its parts; set "
            f"options.separator={there[0]}, or none if it is one"
        )
    return there[0]


def _joined(row: Row, columns: Sequence[str]) -> list[str]:
    """The labels of a row with a column for each label: the names of columns that hold 1. Raises DataError."""
    found = []
    for column in columns:
        flag = _flag(row.values[column])
        if flag is None:
            raise DataError(f"{row.where}: {column} should be 0 or 1, got {str(row.values[column])[: values.SHOWN]!r}")
        if flag:
            found.append(column)
    return found


def _flag(cell: Any) -> bool | None:
    """Whether a cell is 1 (or 1.0) or true; None if it is not a valid value of a label's column."""
    return MEANING.get(str(values.whole(cell)).strip().lower()) if isinstance(cell, bool | int | float | str) else None


def _found(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """The columns of labels: all except row numbers, if there are at least two and each holds only 0 and 1."""
    found = [name for name in columns if name.lower() not in NUMBERS_OF_ROWS]
    are_flags = all(_flag(row.values[name]) is not None for row in rows for name in found)
    return found if rows and len(found) > 1 and are_flags else []


COLUMNS = Several(_joined, _found)
"""A column for each label."""
