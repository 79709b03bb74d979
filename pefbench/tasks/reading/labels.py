"""Reads texts with one label each, as examples of a head with labels."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pefbench.errors import DataError, counted
from pefbench.heads.examples import SequenceExample
from pefbench.heads.sequence import SequenceDataset
from pefbench.remarks import Odd
from pefbench.sources import cells
from pefbench.sources.cells import clean_word, is_missing
from pefbench.tasks.reading import booleans, values
from pefbench.tasks.reading.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.sources import BadRows, Row


SHOWN, LONGEST = 3, 80
"""How many labels of a row, and how many characters of them, a message shows."""
SEPARATORS = ",;|"
"""Separators of labels if a cell has several."""


class Labelled(Protocol):
    """An example of any head that has a label."""

    @property
    def label(self) -> str:
        """The label's name."""


Example = TypeVar("Example", bound=Labelled)


def text(row: Mapping[str, Any]) -> str:
    """A row's text, or both of a pair; "" if there is none. `Task.text` of a task with labels."""
    return "\n".join(value for value in (row["text"], row.get("pair")) if isinstance(value, str))


def text_of_both(row: Mapping[str, Any]) -> str:
    """A row's texts in a canonical order: `Task.text` of a task in which the order of a pair does not matter."""
    return "\n".join(sorted(value for value in (row["text"], row["pair"]) if isinstance(value, str)))


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, cluster: Callable[[Mapping[str, Any]], str] | None = None
) -> SequenceDataset:
    """Read texts and labels: `Task.read` of a task whose texts have labels.

    cluster: a row's values -> a name that dependent texts share; None: texts are independent.
    """
    return SequenceDataset(*examples(splits, bad, partial(example, cluster=cluster)))


def example(row: Row, cluster: Callable[[Mapping[str, Any]], str] | None = None) -> SequenceExample:
    """A row's text, or both of a pair, with its label. Raises DataError if one is missing."""
    return SequenceExample(values.text(row, "text"), label(row), pair(row), cluster(row.values) if cluster else "")


def pair(row: Row) -> str | None:
    """The second text of a pair; None if the source has no column for it. Raises DataError if it is missing."""
    return values.text(row, "pair") if "pair" in row.values else None


def examples(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, read_row: Callable[[Row], Example]
) -> tuple[dict[str, list[Example]], list[str], list[str]]:
    """Rows as examples by split, the distinct labels of the training split, sorted, and notes.

    `Unseen` handles rows of other splits with other labels. Raises DataError unless there are two labels.
    """
    splits, notes = booleans.unified(splits)
    train = bad.good(splits["train"], read_row)
    taught = Counter(each.label for each in train)
    if not taught:
        raise DataError(f"no training text is left{'; ' if bad.found else ''}{bad.told}")
    if len(taught) < 2:
        raise DataError(
            f"{splits['train'][0].file}: every training text has the label {', '.join(taught)!r}; two are needed"
        )

    unseen = Unseen(taught, bad)

    def known(row: Row, split: str) -> Example:
        found = read_row(row)
        unseen.count_or_refuse([found.label], split, row.where, row.name("label"))
        return found

    others = {split: bad.good(rows, partial(known, split=split)) for split, rows in splits.items() if split != "train"}
    notes += [*_joined(taught), *unseen.notes]
    return {split: others.get(split, train) for split in splits}, unseen.known, notes


def _joined(taught: Mapping[str, int]) -> list[str]:
    """A warning about labels that consist of several other labels with a separator; each is a separate class."""
    found = [label for label in taught if any(_are_labels(label.split(each), taught) for each in SEPARATORS)]
    if not found:
        return []
    shown = ", ".join(f"{label!r} ({taught[label]:,})" for label in found[:SHOWN])
    several = "are several of the others in one, and classes of their own; task: multi_label_classification learns each"
    return [Odd(f"{counted(len(found), 'label')} such as {shown[:LONGEST]} {several}")]


def _are_labels(parts: Sequence[str], taught: Mapping[str, int]) -> bool:
    return len(parts) > 1 and all(clean_word(part) in taught for part in parts)


def label(row: Row) -> str:
    """The label's name; a whole number without a name is used as text. Raises DataError.

    A list with one label, as doccano writes it, counts as that label; a longer list is an error.
    """
    value = values.whole(_only(row))
    if isinstance(value, int):
        return str(value)
    if is_missing(value):
        raise DataError(f"{row.where}: {row.name('label')} is empty; it should be a name or a whole number")
    if not isinstance(value, str):
        raise values.wrong(row, "label", "a name or a whole number")
    return clean_word(value)


def _only(row: Row) -> Any:
    """The label in a list of one, which may be written as text; any other value unchanged. Raises DataError."""
    value = row.values["label"]
    try:
        listed = cells.as_list(value) if isinstance(value, str) else value
    except ValueError:
        return value
    listed = values.as_list(value) if listed is None else listed  # may contain lists or objects, which are not labels
    if not isinstance(listed, list):
        return value
    if len(listed) > 1:
        shown = ", ".join(map(repr, listed[:SHOWN]))
        raise DataError(
            f"{row.where}: {row.name('label')} has {len(listed)} labels ({shown[:LONGEST]}), not one; task: "
            "multi_label_classification learns several"
        )
    return listed[0] if listed else None
