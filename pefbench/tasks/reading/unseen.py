"""Odd labels: those that only validation or test have, and those of training that differ in case or spaces alone."""

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
"""The labels that a message lists."""


class Unseen:
    """The labels of other splits that training does not have (`data.unseen_labels`).

    taught: each label of training, and how often it is there. what: the name of labels in messages. A model cannot
    predict a label that it never saw, so where unseen labels are counted, every metric takes them as missed.
    """

    def __init__(self, taught: Mapping[str, int], bad: BadRows, what: str = "labels") -> None:
        self.known, self.what = sorted(taught), what
        self._taught = taught
        self._counted = bad.count_unseen
        self._found: dict[str, Counter[str]] = defaultdict(Counter)

    def count_or_refuse(self, found: Sequence[str], split: str, where: str, shown: str) -> None:
        """Count one row's labels that training does not have. Raises DataError where they make a bad row.

        where: file and line of the first of them. shown: what its column or kind is called.
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
        """As warnings, training's labels that are nearly the same, and each split's that were counted."""
        return [*self._nearly_same(), *self._of_splits()]

    def _nearly_same(self) -> list[str]:
        """The labels of training that differ in case or spaces alone: they are different classes all the same."""
        alike: dict[str, list[str]] = defaultdict(list)
        for label in self.known:
            alike[_bare(label)].append(label)
        groups = [
            " and ".join(f"{label!r} ({self._taught[label]:,})" for label in labels)
            for labels in alike.values()
            if len(labels) > 1
        ]
        apart = "differ in case or spaces alone, and are different classes; where one is meant, write them alike"
        return [Odd(f"{self.what} of train {apart}: {_listing(groups)}")] if groups else []

    def _of_splits(self) -> list[str]:
        """For each split, the labels that were counted, most frequent first."""
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
        """The label of training that differs in case or spaces alone, or else the labels that there are."""
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
