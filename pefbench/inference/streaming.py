"""Streams a text in chunks while a separate thread generates it."""

from __future__ import annotations

from dataclasses import replace
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pefbench.inference.kind import Answer, Query


class Chunk(NamedTuple):
    """A chunk of a text. answer: the whole answer in the last chunk, else None."""

    text: str
    answer: Answer | None = None


def chunks(answers: Callable[[Sequence[Query]], list[Answer]], query: Query) -> Iterator[Chunk]:
    """Yield the chunks of a generated answer; closing the iterator stops the generation."""
    if query.wanted is None:
        raise ValueError("the query does not say how its text is generated")
    queue: SimpleQueue[Chunk | BaseException] = SimpleQueue()
    closed = Event()

    def told(text: str) -> bool:
        queue.put(Chunk(text))
        return not closed.is_set()

    streamed = replace(query, wanted=replace(query.wanted, told=told))

    def work() -> None:
        try:
            [answer] = answers([streamed])
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            queue.put(error)
        else:
            queue.put(Chunk("", answer))

    thread = Thread(target=work, name="pefbench-stream", daemon=True)
    thread.start()
    try:
        while True:
            found = queue.get()
            if isinstance(found, BaseException):
                raise found
            yield found
            if found.answer is not None:
                return
    finally:
        closed.set()
        thread.join()
