"""The recommender compared with popularity, item-kNN and a collaborative-filtering library: all items, split by time.

    python -m benchmarks.recommender_ranking [--config FILE] [--without-model]

Run it after `pefbench app recommender train`. `pip install implicit` installs the library; without it, its rows are
missing. Its settings are chosen on validation by NDCG@10, like the recommender's weights. Then each model is fitted to
everything that was taken before the test period, and a user's factors are computed from the ranked history. With
--without-model the choice model is skipped, and the other rows take seconds.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy import sparse

from pefbench import configuration
from pefbench.apps import training
from pefbench.apps.recommender import catalogue, kept, measuring, prepared, quality, telling
from pefbench.apps.recommender.app import APP
from pefbench.apps.recommender.config import RecommenderSection
from pefbench.apps.recommender.ranking import proposals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pefbench.apps.recommender.measuring import Other
    from pefbench.apps.recommender.prepared import Prepared

    Floats = np.ndarray[Any, np.dtype[np.float64]]

FACTORS = (8, 16, 32, 64)
REGULARIZATION = (0.01, 0.1, 1.0)


def matrix(rows: Sequence[Sequence[int]], items: int) -> sparse.csr_matrix:
    """The matrix of who took what, (users, items)."""
    places = np.repeat(np.arange(len(rows)), [len({*row}) for row in rows])
    columns = np.array([item for row in rows for item in sorted({*row})], np.int64)
    return sparse.csr_matrix((np.ones(len(places), np.float32), (places, columns)), shape=(len(rows), items))


def factorised(model: Any, items: int, history: Sequence[int]) -> Floats:
    """All items' scores for a history, from a factor model."""
    user = model.recalculate_user(0, matrix([history], items)[0])
    return np.asarray(model.item_factors @ np.ravel(user), np.float64)


def neighbours(model: Any, items: int, history: Sequence[int]) -> Floats:
    """All items' scores for a history, from a neighbourhood model."""
    return np.asarray((matrix([history], items) @ model.similarity).toarray()[0], np.float64)


def candidates(ready: Prepared, before: float) -> Iterator[tuple[str, str, Other]]:
    """The library's models, fitted to everything taken before a time: family, setting, scores."""
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

    items = len(ready.known.names)
    taken = matrix([[each.item for each in row] for row in ready.known.before(before).values()], items)
    for factors in FACTORS:
        for regularization in REGULARIZATION:
            model = AlternatingLeastSquares(
                factors=factors, regularization=regularization, iterations=15, random_state=0, num_threads=1
            )
            model.fit(taken, show_progress=False)
            yield "implicit, ALS", f"{factors} factors, {regularization:g}", partial(factorised, model, items)
    for name, kind in (("cosine", CosineRecommender), ("BM25", BM25Recommender)):
        for number in (20, 100, 500):
            near = kind(K=number, num_threads=1)
            near.fit(taken, show_progress=False)
            yield f"implicit, {name}", f"{number} neighbours", partial(neighbours, near, items)


def chosen(ready: Prepared, config: RecommenderSection) -> Mapping[str, Other]:
    """Each family's best setting on validation, fitted to everything before the test."""
    targets = catalogue.targets(ready.known, ready.begin, ready.end, config.per_user)
    best: dict[str, tuple[float, str]] = {}
    for family, setting, score in candidates(ready, ready.begin):
        places = [
            int(np.flatnonzero(proposals(score(each.history), prepared.of_target(ready, each)) == each.item)[0])
            for each in targets
        ]
        value = float(quality.values(np.array(places))[:, 1].mean())
        print(f"validation: {family}, {setting}: NDCG@10 {value:.4f}", flush=True)
        best[family] = max(best.get(family, (0.0, "")), (value, setting))
    fitted = {(family, setting): score for family, setting, score in candidates(ready, ready.end)}
    return {f"{family} ({setting})": fitted[family, setting] for family, (_, setting) in best.items()}


class Silent:
    """A choice model without preferences."""

    def scores(self, _histories: object, proposals: Sequence[Sequence[str]]) -> list[Floats]:
        """Equal scores for all proposals."""
        return [np.zeros(len(texts)) for texts in proposals]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--without-model", action="store_true")
    parsed = parser.parse_args()
    config = configuration.read(RecommenderSection, parsed.config)
    models = training.all_trained(APP.trainings(config), Path(config.folder))
    weights, _ = kept.read(config.weights_file, models, config.reranked)
    ready = prepared.prepare(config, models["choice"])
    if parsed.without_model:
        ready = ready._replace(reranker=cast("Any", Silent()))
    try:
        others = chosen(ready, config)
    except ModuleNotFoundError as error:
        print(f"without {error.name}: pip install {error.name}")
        others = {}
    for line in telling.lines(measuring.measured(ready, config, weights, others), "github"):
        print(line)


if __name__ == "__main__":
    main()
