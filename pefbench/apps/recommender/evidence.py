"""Evidence for an item, given a history: its popularity, who took both, and how similar the texts are.

Each feature that depends on a history is a sum over its items, so that each item's contribution is known exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Taken

    Floats = NDArray[np.float64]

FEATURES = ("popular", "lately popular", "together", "together, latest", "alike", "alike, latest", "new")
BY_HISTORY = slice(2, 6)
"""The features that are sums over a history."""
TOGETHER, ALIKE = (0, 1), (2, 3)
"""Among these, the features from who took both, and those from the texts."""
FADING = 0.6
"""For `latest`: an item's weight relative to the next one's."""
LATELY = 0.1
"""The share of the latest events that `lately popular` counts."""
SHRINKAGE = 10.0
"""Added to the cosine's denominator, so that two items taken by the same single person are not similar."""
LONGEST = 500
"""How many of the latest items of a history count."""


class Evidence:
    """Evidence from events and texts for all items.

    users: who took what, in all events that may be known. vectors: the items' embeddings, (n, width), of length 1.
    """

    def __init__(self, users: Mapping[str, Sequence[Taken]], vectors: NDArray[np.float32]) -> None:
        self.vectors, items = vectors, len(vectors)
        taken = _matrix([[each.item for each in found[-LONGEST:]] for found in users.values()], items)
        both = (taken.T @ taken).tocsr()  # how many people took both items; on the diagonal, how many took the item
        self.people: Floats = np.asarray(both.diagonal(), np.float64)
        """How many people took an item, as used for ranking: only their latest items count."""
        self._cosines = _cosines(both, self.people)
        self._takers = _matrix([[each.item for each in found] for found in users.values()], items).tocsc()
        self._lately = _lately(users, items)

    def features(self, history: Sequence[int | None], vectors: NDArray[np.float32]) -> Floats:
        """The FEATURES of all items: (n, f). history: item numbers, None if not in the catalogue, latest last."""
        found = np.zeros((len(self.people), len(FEATURES)))
        found[:, 0], found[:, 1], found[:, 6] = np.log1p(self.people), self._lately, self.people == 0
        if len(history):
            weights = _weights(len(history))
            known = [place for place, item in enumerate(history) if item is not None]
            # The matrix is symmetric, and rows are faster to access than columns.
            rows = self._cosines[[item for item in history if item is not None]]
            found[:, 2:4] = rows.T @ weights[known]
            found[:, 4:6] = self.vectors @ (vectors[-len(weights) :].T @ weights)
        return found

    def takers(self, item: int) -> NDArray[np.int32]:
        """The numbers of all users who took an item, however long ago."""
        begins = self._takers.indptr
        found: NDArray[np.int32] = self._takers.indices[begins[item] : begins[item + 1]]
        return found

    def contributions(self, item: int, history: Sequence[int | None], vectors: NDArray[np.float32]) -> Floats:
        """What each item of a history adds to an item's four history features: (h, 4)."""
        weights = _weights(len(history))
        row = self._cosines[item].toarray()[0]
        together = np.array([0.0 if each is None else row[each] for each in history])
        alike = np.asarray(vectors @ self.vectors[item], np.float64)
        return np.concatenate([together[:, None] * weights, alike[:, None] * weights], axis=1)


def _weights(length: int) -> Floats:
    """The weights of a history's items: (h, 2), uniform and favouring the latest; each column sums to 1."""
    fading = FADING ** np.arange(length - 1, -1, -1)
    return np.stack([np.full(length, 1 / length), fading / fading.sum()], axis=1)


def _matrix(users: Sequence[Sequence[int]], items: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(users)), [len(set(taken)) for taken in users])
    columns = np.array([item for taken in users for item in sorted(set(taken))], np.int64)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(users), items))


def _cosines(both: sparse.csr_matrix, people: Floats) -> sparse.csr_matrix:
    """The shrunk cosine of items by who took them, without the diagonal. Sarwar et al. 2001, item-based filtering."""
    found = both.tocoo()
    values = found.data / (np.sqrt(people[found.row] * people[found.col]) + SHRINKAGE)
    values[found.row == found.col] = 0
    return sparse.csr_matrix((values, (found.row, found.col)), shape=both.shape)


def _lately(users: Mapping[str, Sequence[Taken]], items: int) -> Floats:
    """How often an item was taken among the latest events, as a logarithm: (n,)."""
    events = sorted((each for taken in users.values() for each in taken), key=lambda each: each.time)
    last = events[len(events) - round(LATELY * len(events)) :]
    return np.log1p(np.bincount([each.item for each in last], minlength=items).astype(np.float64))
