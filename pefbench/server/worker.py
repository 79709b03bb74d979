"""A queue of inputs, and one thread that answers them in batches across models.

There is no batching delay: a batch takes inputs that arrived while the last one ran. It starts with the input that has
waited longest and adds those that can share its pass.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from functools import partial
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from pefbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from concurrent.futures import Future

    from pefbench.inference.kind import Answer, Query
    from pefbench.server.store import Served, Store
    from pefbench.server.work import Item, Job


class QueueFull(Exception):  # noqa: N818 - nobody's fault
    """The queue is full."""


class Stopping(Exception):  # noqa: N818
    """The server is shutting down and accepts no jobs."""


class Worker(ABC):
    """Answers inputs for any served model.

    capacity: how many inputs may wait. ran: called with the rows and the models of each batch.
    """

    def __init__(self, store: Store, capacity: int, ran: Callable[[int, int], None]) -> None:
        self.store, self.capacity, self.ran = store, capacity, ran
        self._lanes: dict[Hashable, deque[Item]] = {}
        self._jobs = 0
        self._news = Condition()
        self._stopping = False
        self._thread = Thread(target=self._answer_all, name=type(self).__name__.lower(), daemon=True)
        self._thread.start()

    @abstractmethod
    def prepare(self, served: Served, query: Query) -> Job:
        """Tokenize a query into rows; takes as long as the tokenizer does."""

    @abstractmethod
    def fits(self, taken: Sequence[Item], item: Item) -> bool:
        """Whether a batch has room for one more item of its lane."""

    @abstractmethod
    def score(self, items: list[Item]) -> None:
        """Store the heads' results in the items of a batch."""

    @property
    def waiting(self) -> int:
        """How many inputs have no answer yet."""
        return self._jobs

    @property
    def alive(self) -> bool:
        """Whether it accepts inputs."""
        return self._thread.is_alive() and not self._stopping

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs of one model, all or none.

        Raises QueueFull, Stopping, and DataError if weights cannot be read.
        """
        with self._news:
            if self._stopping:
                raise Stopping
            if self._jobs + len(jobs) > self.capacity:
                raise QueueFull
            self._jobs += len(jobs)
        self._hold(jobs)
        with self._news:
            for job in jobs:
                job.left = len(job.items)
                for item in job.items:
                    self._lanes.setdefault(item.lane, deque()).append(item)
            self._news.notify()
        for job in jobs:
            job.answer.add_done_callback(partial(self._withdraw, job))
            if not job.items:
                self._finish(job)

    def _withdraw(self, job: Job, answer: Future[Answer]) -> None:
        """Give up the place of a job that was cancelled before it began."""
        if not answer.cancelled():
            return
        with self._news:
            for item in job.items:
                waiting = self._lanes.get(item.lane, deque())
                with suppress(ValueError):
                    waiting.remove(item)
                if not waiting:
                    self._lanes.pop(item.lane, None)
        self._leave(job)

    def _hold(self, jobs: Sequence[Job]) -> None:
        """Keep the weights of counted jobs in memory; if that fails, the jobs are not taken after all."""
        held = 0
        try:
            for job in jobs:
                job.held = self.store.hold(job.served)
                held += 1
        except BaseException:
            for job in jobs[:held]:
                self.store.release(job.served)
            with self._news:
                self._jobs -= len(jobs)
                self._news.notify()
            raise

    def stop(self, patience: float) -> bool:
        """Answer the accepted jobs, for at most `patience` seconds, and end; return whether all were answered."""
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _answer_all(self) -> None:
        while True:
            with self._news:
                while not self._lanes:
                    if self._stopping and not self._jobs:
                        return
                    self._news.wait(0.5 if self._stopping else None)
                items = self._take()
            if items:
                self._answer(items)

    def _take(self) -> list[Item]:
        """The next batch, from the lane whose first item has waited longest. Lanes are ordered by their first items."""
        lane, waiting = next(iter(self._lanes.items()))
        taken: list[Item] = []
        while waiting:
            item = waiting[0]
            if taken and not self.fits(taken, item):
                break
            waiting.popleft()
            if self._begins(item.job):
                taken.append(item)
        del self._lanes[lane]
        if waiting:  # moves to the end: its first item arrived after those of all other lanes
            self._lanes[lane] = waiting
        return taken

    def _begins(self, job: Job) -> bool:
        """Whether somebody still waits for this job; marks it as started."""
        if not job.started and not job.answer.cancelled():
            job.started = job.answer.set_running_or_notify_cancel()
        return job.started

    def _answer(self, items: list[Item]) -> None:
        """Answer a batch."""
        self.ran(sum(item.rows for item in items), len({item.job.served for item in items}))
        try:
            self.score(items)
        except Exception as error:  # noqa: BLE001 - whatever it is, only the inputs of this batch may fail
            self._begin_again(items, error)
            return
        for item in items:
            self.settle(item)

    def _begin_again(self, items: Sequence[Item], error: Exception) -> None:
        """After an error, run each model's items alone, so that other models' succeed. Partly sent texts fail."""
        left = [item for item in items if not item.settled]
        models = dict.fromkeys(item.job.served for item in left)
        alone = len({item.job.served for item in items}) == 1
        faulty = dict.fromkeys(item.job for item in left if alone or item.told)
        if faulty:
            _log(error)
        for job in faulty:
            self._fail(job, error)
        for served in models:
            if again := [item for item in left if item.job.served is served and item.job not in faulty]:
                self._answer(again)

    def settle(self, item: Item) -> None:
        """Count an item as scored; the last item of a job completes it. A second call does nothing."""
        if item.settled:
            return
        item.settled = True
        item.job.left -= 1
        if not item.job.left and not item.job.answer.done():
            self._finish(item.job)

    def _finish(self, job: Job) -> None:
        """Give a job its answer."""
        try:
            answer = job.unbatched if job.unbatched is not None else _answer_of(job)
        except Exception as error:  # noqa: BLE001 - likewise
            _log(error)
            self._fail(job, error)
            return
        if job.started or job.answer.set_running_or_notify_cancel():
            self._leave(job)
            job.answer.set_result(answer)

    def _fail(self, job: Job, error: Exception) -> None:
        if not job.answer.done():
            self._leave(job)
            job.answer.set_exception(error)

    def _leave(self, job: Job) -> None:
        """Count a job as done and release its weights."""
        self.store.release(job.served)
        with self._news:
            self._jobs -= 1
            self._news.notify()


def _answer_of(job: Job) -> Answer:
    """The answer formed from the head's results."""
    model: Any = job.served.model
    truncated = any(item.encoded.truncated > 0 for item in job.items if item.encoded)
    found = [item.found for item in job.items if item.found is not None]
    answer: Answer = model._kind.answer(job.query, model._head, found, truncated=truncated)
    return answer


def _log(error: Exception) -> None:
    if not isinstance(error, UserError):
        logging.getLogger("pefbench.server").error("a batch failed", exc_info=error)
