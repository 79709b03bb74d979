"""Attribute accuracy: the fraction of generated texts that have the requested attribute, as judged by a classifier.

As in work on controlled generation since Hu et al. 2017, "Toward Controlled Generation of Text", arXiv:1703.00955,
section 4. The signature says who judges, and how accurate the judge is on real texts. A judge errs in both directions:
values by two different judges cannot be compared, real texts get less than 1, and a generator that exploits the judge
may get more than they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import accuracy_score

from pefbench.metrics._base import TEXT
from pefbench.metrics._texts import MeanTextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class AttributeAccuracy(MeanTextMetric):
    """Accuracy, from 0 to 1.

    Predictions: the attribute that the judge finds in each text. References: the attribute that each should have.
    """

    headline = "attribute_accuracy"
    higher_is_better: ClassVar = {"attribute_accuracy": True}
    averaged = frozenset({"attribute_accuracy"})
    library = "scikit-learn"
    settings = "average:micro"
    reference = TEXT
    needs = "attribute"

    def read(self, answer: Any) -> Any:
        """The attribute that the judge found."""
        return answer["attribute"]

    def reads(self, answer: Any) -> bool:
        """Whether an answer was judged."""
        return isinstance(answer, dict) and "attribute" in answer

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"attribute_accuracy": float(accuracy_score(references, predictions))}

    def scores(self, predictions: Sequence[str], references: Sequence[str]) -> Array:
        """Whether each text has its attribute: (examples, 1)."""
        right = [[found == wanted] for found, wanted in zip(predictions, references, strict=True)]
        return np.asarray(right, dtype=np.float64)


METRIC = AttributeAccuracy
