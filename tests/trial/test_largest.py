"""The largest part of a trial."""

from __future__ import annotations

import numpy as np
import pytest

from pefbench.heads import Encoded
from pefbench.sections import TrainSection
from pefbench.trial import packing
from pefbench.trial.batching import epoch_batches, share
from pefbench.trial.largest import largest_part


def encoded(lengths: list[int]) -> Encoded:
    return Encoded(
        {"input_ids": [np.zeros(length, dtype=np.int64) for length in lengths]},
        np.ones(len(lengths), dtype=np.int64),
        [None] * len(lengths),
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("processes", [1, 2])
def test_no_part_of_the_trial_has_more_tokens(packed: bool, processes: int) -> None:
    lengths = np.random.default_rng(0).integers(4, 60, 203).tolist()
    settings = TrainSection(learning_rate=1.0, epochs=3, batch_size=32, micro_batch_size=6, packing=packed)
    given = encoded(lengths)

    def tokens(part: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
        if packed:
            return packing.size(given.lengths[part].tolist())
        return len(part) * int(given.lengths[part].max())

    found, parts = largest_part(given, settings, processes)
    every = [
        mine[at : at + 6]
        for epoch in range(3)
        for batch in epoch_batches(given.lengths, 32, seed=0, epoch=epoch)
        for mine in [share(batch, 0, processes)]
        for at in range(0, len(mine), 6)
    ]
    assert tokens(found) == max(map(tokens, every))
    assert parts == {1: 6, 2: 3}[processes]
