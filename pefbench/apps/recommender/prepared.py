"""Shared by choosing and measuring weights: items, embeddings, choice model, beginnings of validation and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pefbench.apps.embeddings import Embeddings
from pefbench.apps.recommender import catalogue, histories
from pefbench.apps.recommender.catalogue import Catalogue
from pefbench.apps.recommender.ranking import History
from pefbench.apps.recommender.reranking import Reranker

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Target
    from pefbench.apps.recommender.config import RecommenderSection
    from pefbench.apps.recommender.events import Skips


class Prepared(NamedTuple):
    """begin, end: the times at which validation and test begin."""

    known: Catalogue
    skips: Skips
    vectors: NDArray[np.float32]
    reranker: Reranker
    begin: float
    end: float


def prepare(config: RecommenderSection, trial: Path, reranker: Reranker | None = None) -> Prepared:
    """Read the histories, load the model unless it is given, and embed the items."""
    read = histories.read(config.histories, config.items)
    known = Catalogue.of(read)
    reranker = reranker or Reranker.load(trial)
    vectors = Embeddings(reranker.embed, trial.name, config.embeddings_file)(known.texts)
    return Prepared(
        known, read.skips, vectors, reranker, *catalogue.borders(known.times, config.validation, config.test)
    )


def of_target(ready: Prepared, target: Target) -> History:
    """A target's history as used for ranking."""
    items = list(target.history)
    return History(items, [ready.known.texts[item] for item in items], ready.vectors[items])
