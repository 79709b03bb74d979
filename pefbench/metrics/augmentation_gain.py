"""Augmentation gain: a classifier's accuracy with generated training texts, minus its accuracy without them.

Both classifiers answer the same real texts, over which the interval is computed; texts that only one of them gets right
make it wide. It does not cover other draws of training texts or of generated ones: for those, run other seeds and
draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import TAGS, TEXT
from pefbench.metrics._texts import MeanTextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class AugmentationGain(MeanTextMetric):
    """Gain in accuracy, from -1 to 1, and both accuracies, from 0 to 1.

    Predictions: the labels of a real text without and with generated training texts. References: its label.
    """

    headline = "augmentation_gain"
    higher_is_better: ClassVar = {"augmentation_gain": True, "accuracy_augmented": True, "accuracy_plain": True}
    averaged = frozenset({"accuracy_augmented", "accuracy_plain"})
    library = "scikit-learn"
    settings = "of:accuracy|paired:yes"
    prediction = TAGS
    reference = TEXT
    needs = "label"

    def read(self, answer: Any) -> Any:
        """The labels without and with generated texts."""
        return [answer["plain"], answer["augmented"]]

    def reads(self, answer: Any) -> bool:
        """Whether an answer contains the labels of both classifiers."""
        return isinstance(answer, dict) and "augmented" in answer

    def _compute(self, *, predictions: Sequence[Sequence[str]], references: Sequence[str]) -> dict[str, float]:
        plain, augmented = (float(accuracy_score(references, labels)) for labels in zip(*predictions, strict=True))
        values = (augmented - plain, augmented, plain)
        return dict(zip(self.higher_is_better, values, strict=True))

    def scores(self, predictions: Sequence[Sequence[str]], references: Sequence[str]) -> Array:
        """Each text's gain and whether it was right with and without: (examples, 3)."""
        right = [
            (augmented == label, plain == label)
            for (plain, augmented), label in zip(predictions, references, strict=True)
        ]
        augmented, plain = np.asarray(right, dtype=np.float64).T
        return np.stack([augmented - plain, augmented, plain], axis=1)


METRIC = AugmentationGain
