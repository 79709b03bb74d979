"""The largest micro-batch of a trial, by tokens with padding; estimates of memory are based on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.trial import packing
from pefbench.trial.batching import epoch_batches, share
from pefbench.trial.schedule import total_steps

if TYPE_CHECKING:
    from pefbench.heads import Encoded
    from pefbench.sections import TrainSection
    from pefbench.trial.batching import Indices

EPOCHS = 20
"""Number of epochs whose batches are searched."""


def largest_part(encoded: Encoded, settings: TrainSection, processes: int) -> tuple[Indices, int]:
    """The largest micro-batch over all steps and processes, and the largest number of micro-batches in a step."""
    most, chosen, parts = 0, np.arange(1), 1
    epochs = -(-total_steps(settings, len(encoded)) * settings.batch_size // max(1, len(encoded)))
    for epoch in range(max(1, min(EPOCHS, epochs))):
        for batch in epoch_batches(encoded.lengths, settings.batch_size, seed=settings.seed, epoch=epoch):
            mine = share(batch, 0, processes)
            size = settings.micro_batch_size or max(1, len(mine))
            parts = max(parts, -(-len(mine) // size))
            for at in range(0, len(mine), size):
                part = mine[at : at + size]
                tokens = _tokens(encoded, part, packed=settings.packing)
                if tokens > most:
                    most, chosen = tokens, part
    return chosen, parts


def _tokens(encoded: Encoded, part: Indices, *, packed: bool) -> int:
    if packed:
        return packing.size(encoded.lengths[part].tolist())
    return len(encoded.rows_of(part)) * int(encoded.lengths[part].max())
