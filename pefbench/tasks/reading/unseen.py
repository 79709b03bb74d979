"""Odd labels: labels that occur only in validation or test, and training labels that differ only in case or spaces."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.remarks import Odd
from pefbench.sources.cells import clean_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows

SHOWN = 20
"""How many labels a message lists."""


class Unseen:
    """Handles labels of other splits that training lacks (`data.unseen_labels`).

    taught: each training label and its frequency. what: the name of labels in messages. A model cannot predict a label
    that it never saw; if unseen labels are counted, every metric counts them as missed.
    """

    def __init__(self, taught: Mapping[str, int], bad: BadRows, what: str = "labels") -> None:
        self.known, self.what = sorted(taught), what
        self._taught = taught
        self._counted = bad.count_unseen
        self._found: dict[str, Counter[str]] = defaultdict(Counter)

    def count_or_refuse(self, found: Sequence[str], split: str, where: str, shown: str) -> None:
        """Count a row's labels that training lacks. Raises DataError if they make a bad row.

        where: file and line of the first of them. shown: the name of its column or kind.
        """
        new = [label for label in found if label not in self.known]
        if new and not self._counted:
            raise DataError(
                f"{where}: {shown} {new[0]!r} of the {split} split is not in train ({self._nearest(new[0])}); "
                f"data.unseen_labels=count scores it as never found"
            )
        if new:
            self._found[split].update(new)

    @property
    def notes(self) -> list[str]:
        """Warnings about nearly equal training labels, and about each split's unseen labels that were counted."""
        return [*self._nearly_same(), *self._of_splits()]

    def _nearly_same(self) -> list[str]:
        """A warning about training labels that differ only in case or spaces, but are different classes."""
        alike: dict[str, list[str]] = defaultdict(list)
        for label in self.known:
            alike[_bare(label)].append(label)
        groups = [
            " and ".join(f"{label!r} ({self._taught[label]:,})" for label in labels)
            for labels in alike.values()
            if len(labels) > 1
        ]
        apart = "differ only in case or spaces but are different classes; if they are one class, write them alike"
        return [Odd(f"{self.what} of train {apart}: {_listing(groups)}")] if groups else []

    def _of_splits(self) -> list[str]:
        """For each split, a warning with the counted labels, most frequent first."""
        return [
            Odd(
                f"{self.what} of the {split} split that train does not have are scored as never found: "
                f"{_listing([self._counted_label(label, times) for label, times in found.most_common()])}"
            )
            for split, found in self._found.items()
        ]

    def _counted_label(self, label: str, times: int) -> str:
        twin = self._twin(label)
        return f"{label!r} ({times:,}{'' if twin is None else f'; {_differs(twin)}'})"

    def _nearest(self, label: str) -> str:
        """The training label that differs only in case or spaces, or else all training labels."""
        twin = self._twin(label)
        return f"train has: {_listing(self.known) or 'none'}" if twin is None else _differs(twin)

    def _twin(self, label: str) -> str | None:
        return next((each for each in self.known if _bare(each) == _bare(label)), None)


def _differs(twin: str) -> str:
    return f"train has {twin!r}: only case or spaces differ"


def _bare(label: str) -> str:
    return "".join(clean_word(label).casefold().split())


def _listing(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(labels[:SHOWN]) + more
