"""What tasks that give each text one label share: the row's text, and rows read as examples of the sequence form."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.forms.sequence import SequenceDataset, SequenceExample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.sources import BadRows, Row


def text(values: Mapping[str, Any]) -> str:
    """Return the text."""
    given = values["text"]
    return given if isinstance(given, str) else ""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read texts and labels; the labels are those of the training split. A label that it has not is a bad row."""
    examples = {"train": bad.good(splits["train"], _example)}
    labels = names(splits["train"], [example.label for example in examples["train"]])
    for split in splits.keys() - examples.keys():
        examples[split] = bad.good(splits[split], partial(_seen, labels=labels, split=split))
    return SequenceDataset({split: examples[split] for split in splits}, labels)


def names(rows: Sequence[Row], labels: Iterable[str]) -> list[str]:
    """Return the different labels of the training split, sorted. Raises DataError unless there are two."""
    found = sorted({*labels})
    if len(found) < 2:
        raise DataError(f"{rows[0].file}: every training text has the label {', '.join(found)!r}; two are needed")
    return found


def check_seen(row: Row, name: str, labels: Sequence[str], split: str) -> None:
    """Raise DataError unless the label is one of the training split's."""
    if name not in labels:
        raise DataError(
            f"{row.where}: label {name!r} of the {split} split is not in train (train has: {_listing(labels)})"
        )


def told(row: Row) -> str:
    """Return a row's text. Raises DataError unless it has a word."""
    given = row.values["text"]
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: text should be a string with a word in it, got {str(given)[:60]!r}")
    return given


def label(row: Row) -> str:
    """Return the label's name; a whole number that has no name is its own, as a string. Raises DataError."""
    given = row.values["label"]
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # what a table library makes of whole numbers where some are missing
    if isinstance(given, int):
        return str(given)
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: label should be a name or a whole number, got {str(given)[:60]!r}")
    return given.strip()


def _example(row: Row) -> SequenceExample:
    return SequenceExample(told(row), label(row))


def _seen(row: Row, labels: Sequence[str], split: str) -> SequenceExample:
    example = _example(row)
    check_seen(row, example.label, labels, split)
    return example


def _listing(labels: Sequence[str], limit: int = 20) -> str:
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(labels[:limit]) + more
