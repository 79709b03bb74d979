"""From tokenised examples to padded batches: which examples each step, and each process of a step, works on.

Everything here is a pure function of the seed, the epoch and the lengths. A resumed run, or a run with another number
of processes, sees the same examples in the same steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.heads import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pefbench.heads import Encoded

Indices = np.ndarray[Any, np.dtype[np.int64]]

BATCHES_A_BUCKET = 20
"""Examples are shuffled, then sorted by length within this many batches: 90 % useful tokens, order still random."""
TOKENS_OF_A_BATCH = 50
"""Fixed cost of one forward pass on a CPU, in tokens of a small encoder."""


def epoch_batches(lengths: np.ndarray[Any, Any], batch_size: int, *, seed: int, epoch: int) -> list[Indices]:
    """One epoch's batches of example indices: each example once, similar lengths together, in random order."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    batches: list[Indices] = []
    for start in range(0, len(order), BATCHES_A_BUCKET * batch_size):
        bucket = order[start : start + BATCHES_A_BUCKET * batch_size]
        bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches += [bucket[at : at + batch_size] for at in range(0, len(bucket), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


class Order:
    """The batches of a training run, by step. They are planned one epoch at a time."""

    def __init__(self, lengths: np.ndarray[Any, Any], batch_size: int, *, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.planned: tuple[int, list[Indices]] = (-1, [])

    def batch(self, step: int) -> Indices:
        """The example indices of a step (from 0)."""
        epoch, position = divmod(step, math.ceil(len(self.lengths) / self.batch_size))
        if self.planned[0] != epoch:
            self.planned = (epoch, epoch_batches(self.lengths, self.batch_size, seed=self.seed, epoch=epoch))
        return self.planned[1][position]


def sorted_batches(lengths: np.ndarray[Any, Any], batch_size: int, *, fitted: bool = False) -> list[Indices]:
    """Batches for prediction, the largest first, so that memory runs out at once or not at all.

    Each has `batch_size` examples, the longest first. fitted: batches may be smaller where that is faster, which
    minimises padding plus `TOKENS_OF_A_BATCH` for each batch.
    """
    order = np.argsort(-lengths, kind="stable")
    if not fitted:
        return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
    ends = _fitted_ends(lengths[order], batch_size)
    batches = [order[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return sorted(batches, key=lambda batch: -len(batch) * int(lengths[batch[0]]))


def _fitted_ends(falling: np.ndarray[Any, Any], batch_size: int) -> list[int]:
    """Where to end batches of examples, sorted by falling length, at the least cost; by dynamic programming."""
    least, sizes = np.zeros(len(falling) + 1, dtype=np.int64), np.zeros(len(falling), dtype=np.int64)
    for start in range(len(falling) - 1, -1, -1):
        rows = np.arange(1, min(batch_size, len(falling) - start) + 1)
        costs = TOKENS_OF_A_BATCH + rows * falling[start] + least[start + rows]
        best = len(costs) - 1 - int(costs[::-1].argmin())  # of equal costs, the fewest batches
        least[start], sizes[start] = costs[best], best + 1
    ends, at = [], 0
    while at < len(falling):
        at += int(sizes[at])
        ends.append(at)
    return ends


def share(batch: Indices, rank: int, world_size: int) -> Indices:
    """One process's examples of a global batch. The shares are disjoint and cover the batch."""
    return batch[rank::world_size]


def collate(encoded: Encoded, indices: Sequence[int] | Indices) -> dict[str, Tensor]:
    """Examples as one batch: each feature padded to its longest row, shape (rows, longest), and the mask.

    If examples have several rows, `rows`, shape (examples,), says how many rows each example has.
    """
    import torch

    chosen = [int(i) for i in indices]
    rows = encoded.rows_of(chosen)
    batch = {
        name: _padded([arrays[row] for row in rows], encoded.padding[name]) for name, arrays in encoded.features.items()
    }
    batch["attention_mask"] = _padded([np.ones_like(encoded.features["input_ids"][row]) for row in rows], 0)
    batch |= {name: array[rows] for name, array in encoded.fixed.items()}
    if encoded.rows is not None:
        batch[ROWS] = encoded.rows[chosen]
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _padded(arrays: Sequence[np.ndarray[Any, Any]], padding: int) -> np.ndarray[Any, Any]:
    padded = np.full((len(arrays), max(map(len, arrays))), padding, dtype=np.int64)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded
