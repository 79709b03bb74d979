"""Measures the recommender and simpler rankings on the test period, which is read only here."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from pefbench.apps.recommender import catalogue, quality
from pefbench.apps.recommender.choosing import BATCH
from pefbench.apps.recommender.evidence import Evidence
from pefbench.apps.recommender.prepared import Prepared, of_target
from pefbench.apps.recommender.ranking import Ranker, Weights, proposals
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Taken, Target
    from pefbench.apps.recommender.config import RecommenderSection

    Placed = tuple[int, NDArray[np.int64]]
    Other = Callable[[Sequence[int]], NDArray[np.float64]]

OURS, PROPOSED = "recommender", "without the choice model"
SINGLE = {
    "popularity": 0,
    "popularity, lately": 1,
    "item-kNN": 2,
    "item-kNN, the latest weigh more": 3,
    "text alone": 5,
}
"""The baselines: each uses a single kind of evidence."""


class Report(TypedDict):
    """The results on test.

    groups: targets of users or items that were unknown before; sizes: how many. gain: ours minus another method's.
    """

    items: int
    users: int
    targets: int
    methods: dict[str, quality.Measured]
    groups: dict[str, dict[str, dict[str, quality.Value]]]
    sizes: dict[str, int]
    gain: dict[str, dict[str, quality.Value]]


def measured(
    ready: Prepared, config: RecommenderSection, weights: Weights, others: Mapping[str, Other] | None = None
) -> Report:
    """Measure all methods on what people took in the test period, with evidence from before it.

    others: further methods, each a function from a history's items to the scores of all items.
    """
    before = ready.known.before(ready.end)
    evidence = Evidence(before, ready.vectors)
    targets = catalogue.targets(ready.known, ready.end, inf, config.per_user)
    if not targets:
        raise DataError("the histories leave nothing to measure by: a larger share is needed: test")
    ranker = Ranker(evidence, ready.known.texts, ready.reranker, weights)
    orders: dict[str, list[Placed]] = {name: [] for name in (OURS, PROPOSED, *SINGLE, *(others or {}))}
    for at in range(0, len(targets), BATCH):
        batch = targets[at : at + BATCH]
        pasts = [of_target(ready, target) for target in batch]
        for target, past, ranked in zip(batch, pasts, ranker.rank(pasts), strict=True):
            features = evidence.features(past.items, past.vectors)
            alone = {name: proposals(features[:, column], past) for name, column in SINGLE.items()}
            alone |= {name: proposals(score(target.history), past) for name, score in (others or {}).items()}
            for name, order in {OURS: ranked.order, PROPOSED: ranked.proposed, **alone}.items():
                orders[name].append((int(np.flatnonzero(order == target.item)[0]), order[: quality.PLACES]))
    return report(orders, targets, evidence.people, before)


def report(
    orders: Mapping[str, Sequence[Placed]],
    targets: Sequence[Target],
    people: NDArray[np.float64],
    known: Mapping[str, Sequence[Taken]],
) -> Report:
    """The report of several rankings of all items.

    orders: for each method, the rank of the item taken and the first ten items. people: by how many people each item
    counts as taken. known: what each user took before the test, even if it was too long ago to count.
    """
    users = [target.user for target in targets]
    taken = {each.item for items in known.values() for each in items}
    ranks = {name: np.array([place for place, _ in found]) for name, found in orders.items()}
    groups = {
        "new users": np.array([user not in known for user in users]),
        "new items": np.array([target.item not in taken for target in targets]),
    }
    told: dict[str, dict[str, dict[str, quality.Value]]] = {}
    for group, chosen in groups.items():
        theirs = [user for user, kept in zip(users, chosen, strict=True) if kept]
        if theirs:
            told[group] = {
                name: quality.intervals(quality.values(found[chosen]), theirs, (0.0, 1.0))
                for name, found in ranks.items()
            }
    ours = quality.values(ranks[OURS])
    return {
        "items": len(people),
        "users": len({*users}),
        "targets": len(targets),
        "methods": {
            name: quality.measure(ranks[name], [first for _, first in found], users, people)
            for name, found in orders.items()
        },
        "groups": told,
        "sizes": {group: int(chosen.sum()) for group, chosen in groups.items()},
        "gain": {
            name: quality.intervals(ours - quality.values(found), users)
            for name, found in ranks.items()
            if name != OURS
        },
    }
