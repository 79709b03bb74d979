"""Perplexity of the right answers under the model: e to the power of their mean negative log-likelihood per token.

All tokens of the corpus count equally, including the end token. Tokens are the tokenizer's: values of models with
different tokenizers cannot be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from datasets import List, Value

from pefbench.metrics._base import AdditiveMetric, ratio
from pefbench.metrics._texts import TextMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Perplexity(AdditiveMetric, TextMetric):
    """Perplexity of the references, 1 or more.

    Predictions: what generation says of an example's right answer: the negative log-likelihood of its tokens
    together, in nats (`nll`), and how many they are (`pieces`). References: not used. Answers that are only texts,
    such as those of a baseline, have no likelihood and are not scored. Raises ValueError unless there are tokens.
    """

    headline = "perplexity"
    higher_is_better: ClassVar = {"perplexity": False}
    library = "numpy"
    settings = "of:reference|mean:per-piece|log:natural"
    prediction = List(Value("float64"))
    wants = frozenset({"nll", "pieces"})

    def read(self, answer: Any) -> list[float]:
        """The negative log-likelihood and the number of tokens."""
        return [float(answer["nll"]), float(answer["pieces"])]

    def reads(self, answer: Any) -> bool:
        """Whether an answer has a likelihood."""
        return isinstance(answer, dict) and self.wants <= answer.keys()

    def _compute(self, *, predictions: Sequence[Sequence[float]], references: Sequence[Any]) -> dict[str, float]:
        nll, pieces = self.counts(predictions, references).sum(axis=0).tolist()
        return {"perplexity": float(np.exp(nll / pieces))}

    def counts(self, predictions: Sequence[Sequence[float]], references: Sequence[Any]) -> Array:  # noqa: ARG002
        """Negative log-likelihood and tokens of each example: (examples, 2)."""
        found = np.asarray([list(each) for each in predictions], dtype=np.float64).reshape(-1, 2)
        if not (found[:, 1] > 0).all():
            raise ValueError(f"the reference of example {int(np.argmin(found[:, 1]))} has no tokens")
        return found

    def from_counts(self, sums: Array) -> dict[str, Array]:
        """Perplexity from sums of shape (..., 2)."""
        return {"perplexity": np.exp(ratio(sums[..., 0], sums[..., 1]))}


METRIC = Perplexity
