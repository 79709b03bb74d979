"""The weights of a recommender, by what people took in the validation period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps.recommender import catalogue, fusion, pace
from pefbench.apps.recommender.evidence import Evidence
from pefbench.apps.recommender.prepared import Prepared, of_target
from pefbench.apps.recommender.ranking import Ranker, Weights, proposals, second_features
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Target
    from pefbench.apps.recommender.config import RecommenderSection

BATCH = 16
SAMPLED = 2000
"""Items of a catalogue at most by which the weights of the evidence are fitted; of more, so many are drawn."""


def fit(ready: Prepared, config: RecommenderSection) -> Weights:
    """The weights by what people took in the validation period, of evidence from before it."""
    evidence = Evidence(ready.known.before(ready.begin), ready.vectors)
    targets = catalogue.targets(ready.known, ready.begin, ready.end, config.per_user)
    if not targets:
        raise DataError("the histories leave nothing to choose the weights by: a larger share is needed: validation")
    choices, right = [], []
    draw = np.random.default_rng(0)
    for target in targets:
        history = of_target(ready, target)
        candidates = proposals(np.zeros(len(ready.vectors)), history)
        if len(candidates) > SAMPLED:
            candidates = np.union1d(draw.choice(candidates, SAMPLED, replace=False), [target.item])
        choices.append(evidence.features(history.items, history.vectors)[candidates])
        right.append(int(np.flatnonzero(candidates == target.item)[0]))
    first = fusion.fit(choices, right)
    reranked = config.reranked or pace.affordable(ready, evidence, targets, first, config.seconds)
    return Weights(first, _second(ready, evidence, targets, first, reranked), reranked)


def _second(
    ready: Prepared, evidence: Evidence, targets: Sequence[Target], first: NDArray[np.float64], reranked: int
) -> NDArray[np.float64]:
    """How much the choice model counts, by the targets that are among what it reads; nothing where there is none."""
    unread = np.array([1.0, 0.0])
    ranker = Ranker(evidence, ready.known.texts, ready.reranker, Weights(first, unread, reranked))
    choices, right = [], []
    for at in range(0, len(targets), BATCH):
        batch = targets[at : at + BATCH]
        found = ranker.read([of_target(ready, target) for target in batch])
        for target, (scores, proposed, chosen) in zip(batch, found, strict=True):
            read = proposed[: len(chosen)]
            if target.item in read:
                choices.append(second_features(scores[read], chosen))
                right.append(int(np.flatnonzero(read == target.item)[0]))
    return fusion.fit(choices, right) if choices else unread
