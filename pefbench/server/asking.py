"""Submits a request's inputs to the engine together, and cancels them if the client disconnects."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from pefbench.errors import UserError
from pefbench.server.refusals import Refusal, busy, ending
from pefbench.server.store import UnknownModelError
from pefbench.server.worker import QueueFull, Stopping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fastapi import Request

    from pefbench.inference.kind import Answer
    from pefbench.inference.model import Input
    from pefbench.server.engine import Engine
    from pefbench.server.settings import Settings
    from pefbench.server.store import Served
    from pefbench.server.work import Job


class Gone(Exception):  # noqa: N818 - nobody is left to receive an error
    """The client has disconnected."""


def find(engine: Engine, name: str) -> Served:
    """The served model of this name. Raises Refusal if there is none."""
    try:
        return engine.store.find(name)
    except UnknownModelError as error:
        raise Refusal(404, str(error)) from None


def check(inputs: Sequence[Input], settings: Settings) -> None:
    """Raise Refusal if a request has too many or too long inputs."""
    if not inputs:
        raise Refusal(400, "inputs: is empty")
    if len(inputs) > settings.inputs:
        raise Refusal(413, f"inputs: {len(inputs)} in one request; at most {settings.inputs} are allowed")
    for number, given in enumerate(inputs):
        if (length := characters(given)) > settings.characters:
            raise Refusal(
                413, f"input {number}: has {length:,} characters; at most {settings.characters:,} are allowed"
            )


def characters(value: Any) -> int:
    """How many characters all texts in a value have together."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(str(name)) + characters(each) for name, each in value.items())
    return sum(map(characters, value)) if isinstance(value, list) else 0


async def answers(
    engine: Engine, served: Served, inputs: Sequence[Input], request: Request, **wishes: Any
) -> list[Answer]:
    """The answers to a request's inputs. Raises Refusal, and Gone if the client disconnects."""
    here = Here()
    jobs = await run_in_threadpool(_taken, engine, served, inputs, wishes, here)
    done = asyncio.gather(*(asyncio.wrap_future(job.answer) for job in jobs))
    done.add_done_callback(lambda each: None if each.cancelled() else each.exception())  # nobody may be left to read it
    gone = asyncio.ensure_future(_disconnected(request))
    either: set[asyncio.Future[Any]] = {done, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise Gone
        return list(done.result())
    except UserError as error:
        raise Refusal(400, str(error)) from None
    finally:
        here.gone = True
        gone.cancel()
        for job in jobs:
            job.answer.cancel()
        if not done.done():
            done.cancel()


class Here:
    """Whether the client is still connected; generation stops if not."""

    gone = False

    def told(self, _chunk: str) -> bool:
        """Whether generation should continue."""
        return not self.gone


@contextmanager
def refusing() -> Iterator[None]:
    """Turn the reasons for which the engine rejects a job into the Refusal that the client gets."""
    try:
        yield
    except UserError as error:
        raise Refusal(400, str(error)) from None
    except QueueFull:
        raise busy() from None
    except Stopping:
        raise ending() from None


def _taken(engine: Engine, served: Served, inputs: Sequence[Input], wishes: Mapping[str, Any], here: Here) -> list[Job]:
    """Submit the inputs to the engine; return their jobs. Raises Refusal."""
    with refusing():
        queries = [served.model.query(given, f"input {at}", at, **wishes) for at, given in enumerate(inputs)]
        for at, query in enumerate(queries):
            if query.wanted is not None:
                queries[at] = replace(query, wanted=replace(query.wanted, told=here.told))
        jobs = [engine.prepare(served, query) for query in queries]
        engine.submit(jobs)
    return jobs


async def _disconnected(request: Request) -> None:
    """Wait until the client disconnects. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
