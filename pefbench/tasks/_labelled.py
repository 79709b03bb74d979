"""What tasks that give each text one label share: the row's text, and rows read as examples of the sequence form."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.forms.sequence import SequenceDataset, SequenceExample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


def text(values: Mapping[str, Any]) -> str:
    """Return the text."""
    given = values["text"]
    return given if isinstance(given, str) else ""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read texts and labels; the labels are those of the training split. A label that it has not is a bad row."""
    examples = {"train": bad.good(splits["train"], _example)}
    labels = sorted({example.label for example in examples["train"]})
    if len(labels) < 2:
        raise DataError(
            f"{splits['train'][0].file}: every training text has the label {', '.join(labels)!r}; two are needed"
        )
    for split in splits.keys() - examples.keys():
        examples[split] = bad.good(splits[split], partial(_seen, labels=labels, split=split))
    return SequenceDataset({split: examples[split] for split in splits}, labels)


def _example(row: Row) -> SequenceExample:
    return SequenceExample(_text(row), _label(row))


def _seen(row: Row, labels: Sequence[str], split: str) -> SequenceExample:
    """Return a row as an example whose label is one of the training split's."""
    example = _example(row)
    if example.label not in labels:
        raise DataError(
            f"{row.where}: label {example.label!r} of the {split} split is not in train (train has: {_listing(labels)})"
        )
    return example


def _text(row: Row) -> str:
    given = row.values["text"]
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: text should be a string with a word in it, got {str(given)[:60]!r}")
    return given


def _label(row: Row) -> str:
    """Return the label's name; a whole number that has no name is its own, as a string."""
    given = row.values["label"]
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # what a table library makes of whole numbers where some are missing
    if isinstance(given, int):
        return str(given)
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: label should be a name or a whole number, got {str(given)[:60]!r}")
    return given.strip()


def _listing(labels: Sequence[str], limit: int = 20) -> str:
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(labels[:limit]) + more
