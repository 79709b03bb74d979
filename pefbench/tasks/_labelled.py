"""What tasks that give each text one label share: the row's text, and rows read as examples of the sequence head."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pefbench.errors import DataError
from pefbench.heads.sequence import SequenceDataset, SequenceExample
from pefbench.tasks._values import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.sources import BadRows, Row


class Labelled(Protocol):
    """An example of any head that has a label."""

    @property
    def label(self) -> str:
        """Return the label's name."""


Example = TypeVar("Example", bound=Labelled)


def text(values: Mapping[str, Any]) -> str:
    """Return the text."""
    given = values["text"]
    return given if isinstance(given, str) else ""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read texts and labels; the labels are those of the training split. A label that it has not is a bad row."""
    return SequenceDataset(*examples(splits, bad, _example))


def examples(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, example: Callable[[Row], Example]
) -> tuple[dict[str, list[Example]], list[str]]:
    """Return rows as examples by split, and the different labels of the training split, sorted.

    A row of another split whose label is not among them is a bad one. Raises DataError unless there are two labels.
    """
    train = bad.good(splits["train"], example)
    labels = sorted({each.label for each in train})
    if len(labels) < 2:
        raise DataError(
            f"{splits['train'][0].file}: every training text has the label {', '.join(labels)!r}; two are needed"
        )

    def seen(row: Row, split: str) -> Example:
        found = example(row)
        if found.label not in labels:
            raise DataError(
                f"{row.where}: label {found.label!r} of the {split} split is not in train "
                f"(train has: {_listing(labels)})"
            )
        return found

    others = {split: bad.good(rows, partial(seen, split=split)) for split, rows in splits.items() if split != "train"}
    return {split: others.get(split, train) for split in splits}, labels


def told(row: Row) -> str:
    """Return a row's text. Raises DataError unless it has a word."""
    given = row.values["text"]
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: text should be a string with a word in it, got {str(given)[:60]!r}")
    return given


def label(row: Row) -> str:
    """Return the label's name; a whole number that has no name is its own, as a string. Raises DataError."""
    given = whole(row.values["label"])
    if isinstance(given, int):
        return str(given)
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: label should be a name or a whole number, got {str(given)[:60]!r}")
    return given.strip()


def _example(row: Row) -> SequenceExample:
    return SequenceExample(told(row), label(row))


def _listing(labels: Sequence[str], limit: int = 20) -> str:
    more = f" and {len(labels) - limit} more" if len(labels) > limit else ""
    return ", ".join(labels[:limit]) + more
