"""The engine: a queue of inputs, and one thread that answers them in batches of as many models as have come together.

Batches form by themselves: the next one takes what has come while the last one ran. It begins with what has waited
longest, and takes what has the same length and can share a pass.
"""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, cast

from pefbench.errors import UserError
from pefbench.heads import ROWS, TARGETS
from pefbench.heads._global_attention import global_attention
from pefbench.server.heads import HeadModel, rows_of
from pefbench.server.work import Job, Piece, collated, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from pefbench.heads import Encoded
    from pefbench.inference.kind import Answer, Query
    from pefbench.server.heads import Shell
    from pefbench.server.store import Served, Store

MOST_ROWS = 64
MOST_TOKENS = 2**14
"""The most rows of a batch, and their padded tokens together; an input with more is a batch of its own."""


class QueueFull(Exception):  # noqa: N818 - no fault of anybody's
    """As many inputs wait as may."""


class Stopping(Exception):  # noqa: N818
    """The server takes nothing new: it is about to end."""


class Engine:
    """Answers inputs of any served model.

    capacity: the most inputs that wait. ran: told the rows and the models of each batch.
    """

    def __init__(self, store: Store, capacity: int) -> None:
        self.store, self.capacity = store, capacity
        self.ran: Callable[[int, int], None] = lambda _rows, _models: None
        self._lanes: dict[Hashable, deque[Piece]] = {}
        self._jobs = 0
        self._news = Condition()
        self._stopping = False
        self._thread = Thread(target=self._answer_all, name="engine", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many inputs have no answer yet."""
        return self._jobs

    @property
    def alive(self) -> bool:
        """Whether it takes inputs."""
        return self._thread.is_alive() and not self._stopping

    def prepare(self, served: Served, query: Query) -> Job:
        """A query as rows of tokens; it takes the time of its tokenizer."""
        job = Job(served, query)
        if served.base is None:
            job.pieces.append(Piece(job, served))
            return job
        model: Any = served.model
        for example in query.examples:
            encoded: Encoded = model._encoded([example])
            longest = int(encoded.lengths[0])
            length = padded(longest, served.limit)
            lane = (id(served.base), length, length == longest, *sorted(encoded.features))
            job.pieces.append(Piece(job, lane, encoded, length))
        return job

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take these, all or none. Raises QueueFull, Stopping, and DataError where weights cannot be read."""
        with self._news:
            if self._stopping:
                raise Stopping
            if self._jobs + len(jobs) > self.capacity:
                raise QueueFull
            self._jobs += len(jobs)
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
        with self._news:
            for job in jobs:
                job.left = len(job.pieces)
                for piece in job.pieces:
                    self._lanes.setdefault(piece.lane, deque()).append(piece)
            self._news.notify()
        for job in jobs:
            if not job.pieces:
                self._say(job)

    def stop(self, patience: float) -> bool:
        """Answer what was taken, for at most so many seconds, and end; return whether all was answered."""
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
                pieces = self._take()
            if pieces:
                self._answer(pieces)

    def _take(self) -> list[Piece]:
        """The next batch: of the lane whose first piece has waited longest. Lanes are in the order of their first."""
        lane, waiting = next(iter(self._lanes.items()))
        taken: list[Piece] = []
        rows = 0
        while waiting:
            piece = waiting[0]
            if taken and piece.encoded is None:
                break
            if taken and (rows + piece.rows > MOST_ROWS or (rows + piece.rows) * max(piece.length, 1) > MOST_TOKENS):
                break
            waiting.popleft()
            if self._begins(piece.job):
                taken.append(piece)
                rows += piece.rows
        del self._lanes[lane]
        if waiting:  # behind the others: each lane's first has come after what they have
            self._lanes[lane] = waiting
        return taken

    def _begins(self, job: Job) -> bool:
        """Whether somebody still waits for this job."""
        if not job.started:
            job.started = True
            if not job.answer.set_running_or_notify_cancel():
                self._leave(job)
                return False
        return not job.answer.cancelled()

    def _answer(self, pieces: list[Piece]) -> None:
        """Answer a batch. Where that fails, each model's part is tried by itself, so that no other suffers from it."""
        models = {piece.job.served for piece in pieces}
        self.ran(sum(piece.rows for piece in pieces), len(models))
        try:
            with self.store.still:
                self._score(pieces)
        except Exception as error:  # noqa: BLE001 - whatever it is, only the inputs of this batch may suffer
            if len(models) > 1:
                for served in models:
                    self._answer([piece for piece in pieces if piece.job.served is served])
                return
            _log(error)
            for job in {piece.job for piece in pieces}:
                self._fail(job, error)
            return
        for piece in pieces:
            job = piece.job
            job.left -= 1
            if not job.left and not job.answer.done():
                self._say(job)

    def _score(self, pieces: list[Piece]) -> None:
        """Put what the heads find into the pieces."""
        import torch

        base = pieces[0].job.served.base
        if base is None:
            self._score_alone(pieces)
            return
        pieces.sort(key=lambda piece: (piece.job.held.prefix_length, id(piece.job.served)))
        groups: list[list[Piece]] = []
        for piece in pieces:
            if not groups or groups[-1][0].job.served is not piece.job.served:
                groups.append([])
            groups[-1].append(piece)
        tensors = [collated(group) for group in groups]
        rows, first = [], 0
        for group, given in zip(groups, tensors, strict=True):
            end = first + len(given["input_ids"])
            rows.append((first, end, group[0].job.held))
            first = end
        names = [name for name in tensors[0] if name not in (TARGETS, ROWS)]
        together = {name: torch.cat([given[name] for given in tensors]) for name in names}
        states = base.run({**together, **global_attention(base.backbone, together)}, rows)
        for group, given, (begin, end, adapter) in zip(groups, tensors, rows, strict=True):
            shell = group[0].job.served.shell
            model: Any = group[0].job.served.model
            with torch.inference_mode(), base.precision():
                answering = cast("Any", HeadModel(cast("Shell", shell), adapter.head, rows_of(states, begin, end)))
                decoding = [piece.encoded.decoding[0] for piece in group if piece.encoded]
                found = model._head.scored(answering, given, decoding)
            for piece, each in zip(group, found, strict=True):
                piece.found = each

    def _score_alone(self, pieces: list[Piece]) -> None:
        """Answer each input by itself: beside others of its model it would be padded otherwise."""
        for piece in pieces:
            [piece.job.said] = piece.job.held.answers([piece.job.query])

    def _say(self, job: Job) -> None:
        """Give a job its answer."""
        try:
            answer = job.said if job.said is not None else _said(job)
        except Exception as error:  # noqa: BLE001 - likewise
            _log(error)
            self._fail(job, error)
            return
        self._leave(job)
        if job.started or job.answer.set_running_or_notify_cancel():
            job.answer.set_result(answer)

    def _fail(self, job: Job, error: Exception) -> None:
        if not job.answer.done():
            self._leave(job)
            job.answer.set_exception(error)

    def _leave(self, job: Job) -> None:
        """Count a job that has come to its end, and let go of its weights."""
        self.store.release(job.served)
        with self._news:
            self._jobs -= 1
            self._news.notify()


def _said(job: Job) -> Answer:
    """The answer that what the head found comes to."""
    model: Any = job.served.model
    truncated = any(piece.encoded.truncated > 0 for piece in job.pieces if piece.encoded)
    found = [piece.found for piece in job.pieces if piece.found is not None]
    answer: Answer = model._kind.say(job.query, model._head, found, truncated=truncated)
    return answer


def _log(error: Exception) -> None:
    if not isinstance(error, UserError):
        logging.getLogger("pefbench.server").error("a batch failed", exc_info=error)
