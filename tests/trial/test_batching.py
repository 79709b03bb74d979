"""Batches: each example once for any seed, epoch and number of processes; padding only where it belongs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pefbench.heads import Encoded
from pefbench.trial.batching import (
    BATCHES_A_BUCKET,
    TOKENS_OF_A_BATCH,
    collate,
    epoch_batches,
    share,
    sorted_batches,
)

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=300).map(np.asarray)


def encoded(lengths: list[int]) -> Encoded:
    features = {
        "input_ids": [np.arange(1, n + 1) for n in lengths],
        "labels": [np.full(n, 7) for n in lengths],
    }
    return Encoded(features, np.asarray(lengths), list(lengths), padding={"input_ids": 0, "labels": -100})


@given(lengths=LENGTHS, size=st.integers(1, 40), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_an_epoch_has_each_example_once(lengths: np.ndarray, size: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(lengths, size, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // size)
    assert max(len(batch) for batch in batches) <= size


@given(lengths=LENGTHS, size=st.integers(1, 40), processes=st.integers(1, 5))
def test_processes_share_a_batch_without_overlap(lengths: np.ndarray, size: int, processes: int) -> None:
    for batch in sorted_batches(lengths, size):
        shares = [share(batch, rank, processes).tolist() for rank in range(processes)]
        assert sorted(i for part in shares for i in part) == sorted(batch.tolist())


@given(lengths=LENGTHS, size=st.integers(1, 40))
def test_prediction_starts_with_the_longest(lengths: np.ndarray, size: int) -> None:
    order = np.concatenate(sorted_batches(lengths, size))
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()


def cost(lengths: np.ndarray, batches: list[np.ndarray]) -> int:
    return sum(TOKENS_OF_A_BATCH + len(batch) * int(lengths[batch].max()) for batch in batches)


def least_cost(falling: list[int], size: int) -> int:
    """By trying every first batch."""
    if not falling:
        return 0
    firsts = range(1, min(size, len(falling)) + 1)
    return min(TOKENS_OF_A_BATCH + n * falling[0] + least_cost(falling[n:], size) for n in firsts)


@given(lengths=LENGTHS, size=st.integers(1, 40))
def test_fitted_batches_have_each_example_once_and_the_largest_first(lengths: np.ndarray, size: int) -> None:
    batches = sorted_batches(lengths, size, fitted=True)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    computed = [len(batch) * int(lengths[batch].max()) for batch in batches]
    assert computed == sorted(computed, reverse=True)
    assert cost(lengths, batches) <= cost(lengths, sorted_batches(lengths, size))


@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=9), size=st.integers(1, 5))
def test_no_fit_costs_less(lengths: list[int], size: int) -> None:
    found = cost(np.asarray(lengths), sorted_batches(np.asarray(lengths), size, fitted=True))
    assert found == least_cost(sorted(lengths, reverse=True), size)


def test_fitted_batches_of_short_texts_leave_little_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 600).clip(3, 128)
    useful = [
        lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in sorted_batches(lengths, 128, fitted=fitted))
        for fitted in (False, True)
    ]
    assert useful[0] < 0.75
    assert useful[1] > 0.92


def test_epochs_and_seeds_differ_and_repeat() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, 500)

    def order(seed: int, epoch: int) -> list[int]:
        batches = epoch_batches(lengths, 8, seed=seed, epoch=epoch)
        return [int(i) for batch in batches for i in batch]

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_buckets_leave_little_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.05, 32 * BATCHES_A_BUCKET * 3).clip(3, 128)
    batches = epoch_batches(lengths, 32, seed=0, epoch=0)
    useful = lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in batches)
    random = np.random.default_rng(1).permutation(len(lengths)).reshape(-1, 32)
    unsorted = lengths.sum() / sum(len(batch) * lengths[batch].max() for batch in random)
    assert useful > 0.8
    assert unsorted < useful / 1.8


def test_collate_pads_each_feature_with_its_own_value() -> None:
    batch = collate(encoded([2, 4, 1]), [2, 0])
    assert batch["input_ids"].tolist() == [[1, 0], [1, 2]]
    assert batch["labels"].tolist() == [[7, -100], [7, 7]]
    assert batch["attention_mask"].tolist() == [[1, 0], [1, 1]]
