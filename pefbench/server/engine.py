"""The engine answers the inputs of all served models.

Texts are generated in a separate thread, so that nothing else waits for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.server.scoring import Scorer
from pefbench.server.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.inference.kind import Query
    from pefbench.server.store import Served, Store
    from pefbench.server.work import Job
    from pefbench.server.worker import Worker


class Engine:
    """Answers inputs for any served model.

    capacity: how many inputs may wait, and how many texts. ran: called with the rows and the models of each batch.
    """

    def __init__(self, store: Store, capacity: int) -> None:
        self.store = store
        self.ran: Callable[[int, int], None] = lambda _rows, _models: None

        def ran(rows: int, models: int) -> None:
            self.ran(rows, models)

        self._scorer, self._writer = Scorer(store, capacity, ran), Writer(store, capacity, ran)

    @property
    def waiting(self) -> int:
        """How many inputs have no answer yet."""
        return self._scorer.waiting + self._writer.waiting

    @property
    def alive(self) -> bool:
        """Whether it accepts inputs."""
        return self._scorer.alive and self._writer.alive

    def prepare(self, served: Served, query: Query) -> Job:
        """Tokenize a query into rows; takes as long as the tokenizer does."""
        return self._for(served).prepare(served, query)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs of one model, all or none.

        Raises QueueFull, Stopping, and DataError if weights cannot be read.
        """
        if jobs:
            self._for(jobs[0].served).submit(jobs)

    def stop(self, patience: float) -> bool:
        """Answer the accepted jobs, each worker for at most `patience` seconds; return whether all were answered."""
        return all([self._scorer.stop(patience), self._writer.stop(patience)])

    def _for(self, served: Served) -> Worker:
        return self._writer if served.generates else self._scorer
