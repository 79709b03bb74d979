"""As many candidates are reranked as the time limit allows, on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from pefbench.apps.recommender import pace
from pefbench.apps.recommender.catalogue import Catalogue, Target
from pefbench.apps.recommender.events import Event, Histories, Skips
from pefbench.apps.recommender.evidence import FEATURES, Evidence
from pefbench.apps.recommender.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FILMS = [f"film {number}" for number in range(40)]


class Reader:
    """Takes as many seconds for each proposal, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.threads = seconds, 0.0, set[int]()

    def scores(self, _histories: Sequence[Sequence[str]], proposals: Sequence[Sequence[str]]) -> list[NDArray[Any]]:
        self.now += self.seconds * sum(map(len, proposals))
        self.threads.add(torch.get_num_threads())
        return [np.zeros(len(texts)) for texts in proposals]


@pytest.mark.parametrize(
    ("each", "seconds", "reads"), [(0.001, 0.2, 20), (0.019, 0.2, 8), (0.019, 0.1, 4), (1.0, 0.2, 2)]
)
def test_a_slow_model_reads_fewer_proposals(
    each: float, seconds: float, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader: Any = Reader(each)
    monkeypatch.setattr(pace, "process_time", lambda: reader.now)
    known = Catalogue.of(
        Histories(
            [Event(float(i), "ada", film) for i, film in enumerate(FILMS)],
            dict(zip(FILMS, FILMS, strict=True)),
            Skips(),
        )
    )
    vectors = np.eye(len(FILMS), dtype=np.float32)
    ready = Prepared(known, Skips(), vectors, reader, 1.0, 2.0)
    targets = [Target("ada", (0, 1, 2), 3)]
    before = torch.get_num_threads()
    found = pace.affordable(ready, Evidence(known.users, vectors), targets, np.ones(len(FEATURES)), seconds)
    assert found == reads
    assert reader.threads == {1}
    assert torch.get_num_threads() == before
