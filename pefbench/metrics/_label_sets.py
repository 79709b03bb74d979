"""Shared by metrics of label sets: the coding of labels, and reading answers and references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.metrics._base import TAGS, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.int64]
    Sets = Sequence[Sequence[str]]


class LabelSetMetric(Metric):
    """A metric of label sets. Predictions and references: one list of labels per example, possibly empty."""

    prediction = TAGS
    reference = TAGS

    def read(self, answer: Any) -> list[str]:
        """The labels of an answer."""
        return list(answer["labels"])

    def read_reference(self, reference: Any) -> list[str]:
        """The right labels."""
        return list(reference["labels"])

    def kinds(self) -> tuple[str, ...]:
        """The name of label sets; the type alone, a list of texts, could also mean tags."""
        return ("sets of labels",)


def flags(predictions: Sets, references: Sets) -> tuple[list[str], Flags, Flags]:
    """The sorted labels, and for each example which are predicted and which are right: (examples, labels).

    Raises ValueError if the two differ in length.
    """
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    labels = sorted({label for labels in (*predictions, *references) for label in labels})
    place = {label: position for position, label in enumerate(labels)}
    predicted, gold = (np.zeros((len(given), len(labels)), dtype=np.int64) for given in (predictions, references))
    for found, given in ((predicted, predictions), (gold, references)):
        for row, chosen in enumerate(given):
            found[row, [place[label] for label in chosen]] = 1
    return labels, predicted, gold


def tallies(predicted: Flags, gold: Flags) -> Array:
    """Right, predicted and gold labels of each example: (examples, 3 * labels)."""
    return np.concatenate([predicted * gold, predicted, gold], axis=1).astype(np.float64)
