"""Latency of a recommendation list: median and p95 on one core, over histories of real users.

    taskset -c 0 python -m benchmarks.recommender_latency [--config FILE] [--requests 200] 2> log.jsonl

Run it after `pefbench app recommender train`. It prints wall-clock time and, for busy machines, processor time, in
milliseconds; also the time of exact search alone, which shows whether an approximate index would help.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from tabulate import tabulate

from pefbench import configuration
from pefbench.apps import training
from pefbench.apps.logs import Events
from pefbench.apps.recommender.app import APP
from pefbench.apps.recommender.config import RecommenderSection
from pefbench.apps.recommender.service import Recommender


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--requests", type=int, default=200)
    parsed = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    config = configuration.read(RecommenderSection, parsed.config)
    models = training.all_trained(APP.trainings(config), Path(config.folder))
    recommender = Recommender(config, models, Events("recommender", texts=False))
    users, draw = sorted(recommender.catalogue.users), np.random.default_rng(0)
    wall, processor = [], []
    for user in ["", *draw.choice(users, parsed.requests)]:  # the first one warms up
        used = recommender.taken(user)[-int(draw.integers(1, 50)) :]
        begun, used_before = perf_counter(), process_time()
        recommender.recommend(used, 10)
        wall.append(1000 * (perf_counter() - begun))
        processor.append(1000 * (process_time() - used_before))
    rows = [(name, *np.quantile(found[1:], [0.5, 0.95])) for name, found in (("wall", wall), ("processor", processor))]
    vectors = recommender.ranker.evidence.vectors
    begun = process_time()
    for vector in vectors[:200]:
        np.argpartition(-(vectors @ vector), 20)
    rows.append(("exact search", 1000 * (process_time() - begun) / 200, None))
    read = recommender.ranker.weights.reranked
    print(f"{len(vectors):,} items, {parsed.requests} lists, {read} proposals read by the model, one thread")
    print(tabulate(rows, ("ms", "median", "p95"), floatfmt=".2f", tablefmt="github"))


if __name__ == "__main__":
    main()
