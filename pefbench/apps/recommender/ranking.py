"""All items in an order: by the evidence, and the first of them by the choice model, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.evidence import Evidence
    from pefbench.apps.recommender.reranking import Reranker

    Floats = NDArray[np.float64]


class History(NamedTuple):
    """What somebody took, the latest last. items: numbers, None for what is in no catalogue; vectors: (h, width).

    earlier: items that were taken too long ago to count, and are not proposed again either.
    """

    items: Sequence[int | None]
    texts: Sequence[str]
    vectors: NDArray[np.float32]
    earlier: Sequence[int | None] = ()


@dataclass(frozen=True)
class Weights:
    """What is chosen before the test. first: of the evidence; second: of the score by it, and of the choice model's.

    reranked: how many proposals the model reads.
    """

    first: Floats
    second: Floats
    reranked: int


class Ranked(NamedTuple):
    """All items but those of the history. proposed: by the evidence alone; order: the final one; scores: by item."""

    proposed: NDArray[np.int64]
    order: NDArray[np.int64]
    scores: Floats


class Ranker:
    """Evidence, the choice model, and their weights."""

    def __init__(self, evidence: Evidence, texts: Sequence[str], reranker: Reranker, weights: Weights) -> None:
        self.evidence, self.weights = evidence, weights
        self._texts, self._reranker = texts, reranker

    def rank(self, histories: Sequence[History]) -> list[Ranked]:
        """All items for each history."""
        return [self._ranked(*each) for each in self.read(histories)]

    def read(self, histories: Sequence[History]) -> list[tuple[Floats, NDArray[np.int64], Floats]]:
        """The items' scores by the evidence, the proposals, and the choice model's scores of those that it has read."""
        first = [self.evidence.features(each.items, each.vectors) @ self.weights.first for each in histories]
        proposed = [proposals(scores, each) for scores, each in zip(first, histories, strict=True)]
        texts = [[self._texts[item] for item in order[: self.weights.reranked]] for order in proposed]
        chosen = self._reranker.scores([each.texts for each in histories], texts)
        return list(zip(first, proposed, chosen, strict=True))

    def _ranked(self, first: Floats, proposed: NDArray[np.int64], chosen: Floats) -> Ranked:
        read = proposed[: len(chosen)]
        if not len(chosen) or not np.ptp(chosen):
            # Nothing to read, so nothing said: the weights hold for what the model has read.
            return Ranked(proposed, proposed, first)
        second = second_features(first[read], chosen) @ self.weights.second
        order = np.concatenate([read[np.argsort(-second, kind="stable")], proposed[len(chosen) :]])
        scores = first.copy()
        scores[read] = second
        return Ranked(proposed, order, scores)


def proposals(scores: Floats, history: History) -> NDArray[np.int64]:
    """All items that are not in a history, the best first; of equal ones, the first in the catalogue."""
    left = np.ones(len(scores), bool)
    left[[item for item in (*history.earlier, *history.items) if item is not None]] = False
    order = np.argsort(-scores, kind="stable")
    return order[left[order]]


def second_features(first: Floats, chosen: Floats) -> Floats:
    """What the final order is made of, for the proposals that the model read: (k, 2)."""
    return np.stack([first, chosen], axis=1)
