"""How many proposals the choice model reads, so that a list is made in time on one core."""

from __future__ import annotations

from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from pefbench.apps.recommender.prepared import Prepared, of_target
from pefbench.apps.recommender.ranking import Ranker, Weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pefbench.apps.recommender.catalogue import Target
    from pefbench.apps.recommender.evidence import Evidence
    from pefbench.apps.recommender.ranking import History

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
    ranker = Ranker(evidence, ready.known.texts, ready.reranker, Weights(first, np.ones(2), MOST))
    with _one_thread():
        taken = [_timed(ranker, of_target(ready, targets[place])) for place in places][1:]
    slow = float(np.quantile(taken, 0.95))
    return int(np.clip(MOST * seconds * (1 - SPARE) / slow, LEAST, MOST))


def _timed(ranker: Ranker, past: History) -> float:
    """The processor seconds of ranking all items for a history."""
    begun = process_time()
    ranker.rank([past])
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
