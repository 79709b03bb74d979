"""Shared by metrics of labels: the coding of classes, and averages over a fixed set of classes.

Averages are over the classes in the references of the whole split, also in resamples for the interval. A class that a
resample lacks, in references and predictions, has its value on all examples. A rare class that is never found
therefore counts as missed in every resample, and one that is always found never lowers the value.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.metrics._base import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

ABSENT = "absent-from-resample:as-on-all"
FIXED = f"labels:references|{ABSENT}"
"""For the signature: the classes of an average, and the value of a class that a resample lacks."""


class ClassMetric(Metric):
    """A metric that averages over classes, computed from counts that add up over examples."""

    @abstractmethod
    def counts(self, predictions: Sequence[Any], references: Sequence[Any]) -> Array:
        """Statistics that add up over examples, of shape (examples, statistics)."""

    @abstractmethod
    def from_counts(self, sums: Array, whole: Array) -> dict[str, Array]:
        """The values from sums (..., statistics). whole: the sums over all examples, (statistics,)."""

    def weighted(self, predictions: Sequence[Any], references: Sequence[Any]) -> Callable[[Array], dict[str, Array]]:
        """The values from weighted sums of counts, over the classes of all references."""
        counts = self.counts(predictions, references)
        whole = counts.sum(axis=0)
        return lambda weights: self.from_counts(weights @ counts, whole)


def codes(predictions: Sequence[Any], references: Sequence[Any]) -> tuple[list[Any], Codes, Codes]:
    """The sorted classes, and predictions and references as indices into them. Raises ValueError."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    labels = sorted({*predictions, *references})
    code = {label: position for position, label in enumerate(labels)}
    predicted, gold = ([code[label] for label in given] for given in (predictions, references))
    return labels, np.asarray(predicted, dtype=np.int64), np.asarray(gold, dtype=np.int64)


def tallies(labels: Sequence[Any], predicted: Codes, gold: Codes) -> Array:
    """Right, predicted and gold examples by class of each example: (examples, 3 * classes)."""
    one_hot = np.eye(len(labels))
    return np.concatenate([one_hot[gold] * one_hot[predicted], one_hot[predicted], one_hot[gold]], axis=1)


def by_class(sums: Array, whole: Array, *, every: bool = False) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 by class, (..., classes), from sums of tallies, (..., 3 * classes).

    whole: the sums over all examples; only classes in the references are included, unless `every`. A value is 0 if its
    denominator is 0; but a class that a resample lacks has its values on all examples.
    """
    kept = np.full(len(whole) // 3, fill_value=True) if every else parts(whole)[2] > 0
    right, predicted, gold = parts(sums)[..., kept]
    there = predicted + gold > 0
    found, on_all = _values(right, predicted, gold), _values(*parts(whole)[..., kept])
    precision, recall, f1 = (np.where(there, *both) for both in zip(found, on_all, strict=True))
    return precision, recall, f1


def _values(right: Array, predicted: Array, gold: Array) -> tuple[Array, Array, Array]:
    return ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold)


def mean(values: Array) -> Array:
    """The mean over classes, the last axis; 0 if there are none."""
    return ratio(values.sum(axis=-1), np.asarray(values.shape[-1], dtype=np.float64))


def parts(sums: Array) -> Array:
    """Split sums of tallies into right, predicted and gold examples, (3, ..., classes)."""
    return np.moveaxis(sums.reshape(*sums.shape[:-1], 3, sums.shape[-1] // 3), -2, 0)
