from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

from pefbench.stats import bootstrap
from pefbench.stats.bootstrap import draws

if TYPE_CHECKING:
    import pytest


def drawn(examples: int, resamples: int, seed: int, clusters: list[str] | None = None) -> list[list[float]]:
    return [row for block in draws(examples, resamples, seed, clusters) for row in block.tolist()]


def test_each_resample_has_as_many_examples_as_there_are() -> None:
    assert np.asarray(drawn(30, 50, 0)).sum(axis=1).tolist() == [30.0] * 50


def test_same_seed_same_draws_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn(50, 101, 4)
    assert whole != drawn(50, 101, 5)
    monkeypatch.setattr(bootstrap, "CHUNK_WEIGHTS", 50 * 7)
    assert drawn(50, 101, 4) == whole


def test_clusters_are_drawn_whole() -> None:
    for weights in drawn(6, 40, 1, ["a", "b", "a", "c", "b", "a"]):
        assert weights[0] == weights[2] == weights[5]
        assert weights[1] == weights[4]
        assert weights[0] + weights[1] + weights[3] == 3  # clusters


def test_clusters_of_one_example_are_examples() -> None:
    assert drawn(20, 30, 2, [str(i) for i in range(20)]) == drawn(20, 30, 2)


def test_memory_is_bounded() -> None:
    tracemalloc.start()  # weights of all 200 resamples would take 80 MB
    try:
        assert sum(len(block) for block in draws(50_000, 200, 0)) == 200
        assert tracemalloc.get_traced_memory()[1] < 45e6
    finally:
        tracemalloc.stop()
