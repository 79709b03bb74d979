"""How many proposals the choice model reads, so that a list is made in time on one core."""

from __future__ import annotations

from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps.recommender.prepared import Prepared, of_target
from pefbench.apps.recommender.ranking import proposals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Target
    from pefbench.apps.recommender.evidence import Evidence

MOST, LEAST = 20, 2
LISTS = 40
"""Lists that are timed, after one that warms up."""
SPARE = 0.2
"""Share of the time that is left for everything but ranking: the request, reasons, and slower moments."""


def affordable(
    ready: Prepared, evidence: Evidence, targets: Sequence[Target], first: NDArray[np.float64], seconds: float
) -> int:
    """How many proposals can be read so that 95 % of the lists take at most `seconds` on one core: LEAST to MOST.

    Measured in processor time with one thread, so that what else runs at the moment does not count.
    """
    places = np.linspace(0, len(targets) - 1, LISTS + 1).astype(int)
    with _one_thread():
        taken = [_timed(ready, evidence, targets[place], first) for place in places][1:]
    slow = float(np.quantile(taken, 0.95))
    return int(np.clip(MOST * seconds * (1 - SPARE) / slow, LEAST, MOST))


def _timed(ready: Prepared, evidence: Evidence, target: Target, first: NDArray[np.float64]) -> float:
    """The processor seconds of a list with MOST proposals."""
    begun, past = process_time(), of_target(ready, target)
    read = proposals(evidence.features(past.items, past.vectors) @ first, past)[:MOST]
    ready.reranker.scores([past.texts], [[ready.known.texts[item] for item in read]])
    return process_time() - begun


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
