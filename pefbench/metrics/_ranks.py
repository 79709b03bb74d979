"""The rank of the right candidate by its score, shared by all ranking metrics.

The order of candidates with equal scores is arbitrary, so a value is its mean over all their orders. A model that gives
every candidate the same score gets the value of a random order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import List, Value

from pefbench.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]
    Choice = Mapping[str, Any]

CHOICE = {"choice": Value("int64"), "scores": List(Value("float64"))}
"""A prediction: the index of the chosen candidate, and the scores of all, as from the choice head."""
PLACE = Value("int64")
"""A reference: the index of the right candidate, from 0."""


def standing(predictions: Sequence[Choice], references: Sequence[int]) -> Counts:
    """How many wrong candidates score above, equal to and below the right one, (examples, 3).

    Raises ValueError if the two differ in length, or an example has fewer than two candidates, no right one among them,
    or a score that is not finite.
    """
    rows = [
        (np.sum(scores > scores[right]), np.sum(scores == scores[right]) - 1, np.sum(scores < scores[right]))
        for scores, right in _scored(predictions, references)
    ]
    return np.asarray(rows, dtype=np.int64).reshape(-1, 3)


def expected(gain: Array, places: Counts) -> Array:
    """The mean gain of each example over the orders of equal scores, (examples,).

    gain: the value of each rank, the first rank first, and 0 beyond; places: from `standing`.
    """
    above, tied = places[:, 0], places[:, 1]
    to_here = np.concatenate([[0.0], np.cumsum(gain)])
    first, behind = (np.minimum(place, len(gain)) for place in (above, above + tied + 1))
    mean: Array = (to_here[behind] - to_here[first]) / (tied + 1)
    return mean


def by_number_of_candidates(predictions: Sequence[Choice], references: Sequence[int]) -> Iterator[tuple[Counts, Array]]:
    """Groups of examples with equally many candidates, for scikit-learn: whether each is right (0 or 1), and its score.

    Both have shape (examples, candidates). Raises ValueError as `standing` does.
    """
    groups: dict[int, list[tuple[Array, int]]] = {}
    for scores, right in _scored(predictions, references):
        groups.setdefault(len(scores), []).append((scores, right))
    for candidates, group in groups.items():
        relevance = np.eye(candidates, dtype=np.int64)[[right for _, right in group]]
        yield relevance, np.stack([scores for scores, _ in group])


def unranked(references: Sequence[int]) -> str | None:
    """Why a ranking cannot be scored: an example's right candidate is missing. None if no candidate is missing."""
    lacking = sum(right < 0 for right in references)
    return f"the right candidate is missing in {counted(lacking, 'example')}" if lacking else None


def _scored(predictions: Sequence[Choice], references: Sequence[int]) -> Iterator[tuple[Array, int]]:
    """The scores and the right candidate of each example. Raises ValueError, see `standing`."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions for {len(references)} references")
    for number, (prediction, right) in enumerate(zip(predictions, references, strict=True)):
        scores = np.asarray(prediction["scores"], dtype=np.float64)
        if len(scores) < 2 or not 0 <= right < len(scores):
            raise ValueError(f"choice {number}: the right candidate is number {right} of {len(scores)}")
        if not np.isfinite(scores).all():
            raise ValueError(f"choice {number}: not all scores are finite numbers: {scores.tolist()}")
        yield scores, right
