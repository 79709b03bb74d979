"""Why an item is recommended, in numbers that can be checked: the history's items that contribute most to its score.

They come from the same sums as the ranking, in which each item of the history contributes a part of the score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from pefbench.apps.recommender.evidence import ALIKE, BY_HISTORY, TOGETHER

if TYPE_CHECKING:
    from pefbench.apps.recommender.ranking import History, Ranker

MOST = 2
"""The most reasons for an item."""


class Reason(TypedDict):
    """together: `both` of the `people` who took `because` also took this item. alike: the texts' cosine is `cosine`.

    popular: `people` took the item, and nothing in the history supports it. new: nobody took it yet, and nothing in the
    history supports it. share: the reason's share of the history's total contribution to the score.
    """

    kind: Literal["together", "alike", "popular", "new"]
    because: str | None
    both: int | None
    people: int
    cosine: float | None
    share: float | None


def reasons(ranker: Ranker, history: History, item: int) -> list[Reason]:
    """The reasons for an item, strongest first."""
    evidence, weights = ranker.evidence, ranker.weights.first[BY_HISTORY]
    takers = evidence.takers(item)
    people = len(takers)
    if not len(history.items):
        return [_alone(people)]
    parts = evidence.contributions(item, history.items, history.vectors) * weights
    by_kind = np.stack([parts[:, list(TOGETHER)].sum(1), parts[:, list(ALIKE)].sum(1)], axis=1)
    whole = float(by_kind[by_kind > 0].sum())
    found: list[Reason] = []
    for place in np.argsort(-by_kind, axis=None, kind="stable"):
        at, kind = divmod(int(place), 2)
        if by_kind[at, kind] <= 0 or len(found) == MOST:
            break
        share, taken = float(by_kind[at, kind]) / whole, history.items[at]
        if kind == 0 and taken is not None:
            theirs = evidence.takers(taken)
            both = len(np.intersect1d(takers, theirs, assume_unique=True))
            found.append(_reason("together", history.texts[at], both, len(theirs), None, share))
        elif kind == 1:
            cosine = float(history.vectors[at] @ evidence.vectors[item])
            found.append(_reason("alike", history.texts[at], None, people, cosine, share))
    return found or [_alone(people)]


def _alone(people: int) -> Reason:
    return _reason("popular" if people else "new", None, None, people, None, None)


def _reason(
    kind: Literal["together", "alike", "popular", "new"],
    because: str | None,
    both: int | None,
    people: int,
    cosine: float | None,
    share: float | None,
) -> Reason:
    return {"kind": kind, "because": because, "both": both, "people": people, "cosine": cosine, "share": share}
