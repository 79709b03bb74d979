"""OpenAI's two routes for text generation, whole or streamed."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from contextlib import contextmanager
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI, Request, Response  # noqa: TC002 - FastAPI reads the types of what it calls
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pefbench.inference.kind import Json
from pefbench.server import asking
from pefbench.server.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from concurrent.futures import Future

    from prometheus_client import Counter

    from pefbench.inference.kind import Answer
    from pefbench.inference.model import Input
    from pefbench.server.engine import Engine
    from pefbench.server.store import Served
    from pefbench.server.work import Job


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool = False


class Wanted(BaseModel):
    """The fields that both routes share; OpenAI's documentation describes them."""

    model_config = ConfigDict(extra="forbid")

    model: str
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] = 1
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    user: str | None = Field(None, description="ignored")

    def wishes(self) -> Json:
        """The arguments for `Model.query`."""
        named = {name: getattr(self, name) for name in ("temperature", "top_p", "seed", "stop")}
        return {"max_new_tokens": self.max_tokens, **named}


class Completion(Wanted):
    """The body of `/v1/completions`."""

    prompt: str


class Chat(Wanted):
    """The body of `/v1/chat/completions`."""

    messages: list[Json]
    tools: list[Json] | None = None
    max_completion_tokens: int | None = None

    def wishes(self) -> Json:
        """The arguments for `Model.query`."""
        most = self.max_completion_tokens
        return {**super().wishes(), **({} if most is None else {"max_new_tokens": most})}


class Shape:
    """The response format of one of the two routes."""

    def __init__(self, model: str, *, chat: bool, usage: bool) -> None:
        self._chat, self._usage, self._begun = chat, usage, False
        kind = "chat.completion" if chat else "text_completion"
        identity = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"
        self._about = {"id": identity, "object": kind, "created": int(time()), "model": model}

    def whole(self, answer: Answer) -> Json:
        """A whole answer, not streamed."""
        text = answer["text"]
        message: Json = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **message, "logprobs": None, "finish_reason": answer["finish_reason"]}
        return {**self._about, "choices": [choice], "usage": _usage(answer)}

    def chunk(self, text: str, ended: str | None = None) -> str:
        """A chunk as a server-sent event."""
        role = {} if self._begun or not self._chat else {"role": "assistant"}
        self._begun = True
        content = {} if ended and not text else {"content": text}
        delta: Json = {"delta": {**role, **content}} if self._chat else {"text": text}
        return self._event([{"index": 0, **delta, "logprobs": None, "finish_reason": ended}])

    def last(self, answer: Answer) -> str:
        """The end of a stream: the finish reason and, if requested, the token usage."""
        events = self.chunk("", answer["finish_reason"])
        if self._usage:
            events += self._event([], usage=_usage(answer))
        return f"{events}data: [DONE]\n\n"

    def _event(self, choices: list[Json], **more: Any) -> str:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        value = {**self._about, "object": kind, "choices": choices, **more}
        return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def add(app: FastAPI) -> None:
    """Add both routes to the application."""

    @app.post("/v1/completions", summary="Complete a text (OpenAI-compatible)")
    async def completions(wanted: Completion, request: Request) -> Response:
        return await _answered(request, wanted, wanted.prompt, chat=False)

    @app.post("/v1/chat/completions", summary="Reply to messages (OpenAI-compatible)")
    async def chat_completions(wanted: Chat, request: Request) -> Response:
        served = asking.find(app.state.engine, wanted.model)
        return await _answered(request, wanted, _conversation(served, wanted), chat=True)


async def _answered(request: Request, wanted: Wanted, given: Input, *, chat: bool) -> Response:
    """The response, whole or in chunks. Raises Refusal."""
    state = request.app.state
    served = asking.find(state.engine, wanted.model)
    if not served.generates:
        raise Refusal(400, f"{served.name} does not generate text; use /v1/predict")
    asking.check([given], state.settings)
    usage = wanted.stream_options is not None and wanted.stream_options.include_usage
    shape, counter = Shape(served.name, chat=chat, usage=usage), state.counts.inputs.labels(served.name)
    with _in_its_words(wanted):
        if wanted.stream:
            chunks = await _begun(state.engine, served, given, wanted.wishes())
            return StreamingResponse(_events(chunks, shape, counter), media_type="text/event-stream")
        [answer] = await asking.answers(state.engine, served, [given], request, **wanted.wishes())
    counter.inc()
    return JSONResponse(shape.whole(answer))


@contextmanager
def _in_its_words(wanted: Wanted) -> Iterator[None]:
    """Reword Refusals with the field names of this request, which has one input."""
    tokens = "max_completion_tokens" if getattr(wanted, "max_completion_tokens", None) is not None else "max_tokens"
    try:
        yield
    except Refusal as refusal:
        said = re.sub(r"^input( 0)?: ", "", refusal.message).replace("max_new_tokens", tokens)
        raise Refusal(refusal.status, said, refusal.headers) from None


def _conversation(served: Served, wanted: Chat) -> Input:
    """The messages as input of the model's task. Raises Refusal if the task reads a single text but gets more."""
    if "messages" in served.model.columns:
        return {"messages": wanted.messages, **({"tools": wanted.tools} if wanted.tools else {})}
    roles = [message.get("role") for message in wanted.messages]
    content = wanted.messages[0].get("content") if wanted.messages else None
    if roles != ["user"] or not isinstance(content, str) or wanted.tools:
        raise Refusal(400, f"messages: {served.name} reads one text; give one message of the user, with a text")
    return content


class Chunks:
    """Passes a text's chunks from the engine to the event loop. job: the text's; None until it is submitted."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._closed = False
        self.queue: asyncio.Queue[str | Answer | BaseException] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def told(self, text: str) -> bool:
        """Take a chunk, in the engine's thread; return whether generation should continue."""
        self.put(text)
        return not self._closed

    def ended(self, answer: Future[Answer]) -> None:
        """Take the whole answer, or the error in place of it."""
        if not answer.cancelled():
            self.put(answer.exception() or answer.result())

    def close(self) -> None:
        """Nobody reads on: stop the generation, or leave the queue if it has not begun."""
        self._closed = True
        if self.job is not None:
            self.job.answer.cancel()

    def put(self, value: str | Answer | BaseException) -> None:
        """Enqueue a value from another thread."""
        self._loop.call_soon_threadsafe(self.queue.put_nowait, value)


async def _begun(engine: Engine, served: Served, given: Input, wishes: Json) -> Chunks:
    """Start generating a text; return its chunks. Raises Refusal."""
    chunks = Chunks()

    def begin() -> None:
        query = served.model.query(given, "input", **wishes)
        wanted = query.wanted
        if wanted is not None:
            query = replace(query, wanted=replace(wanted, told=chunks.told))
        chunks.job = engine.prepare(served, query)
        chunks.job.answer.add_done_callback(chunks.ended)
        engine.submit([chunks.job])

    with asking.refusing():
        await run_in_threadpool(begin)
    return chunks


async def _events(chunks: Chunks, shape: Shape, counter: Counter) -> AsyncIterator[str]:
    """The events of a stream, counted once it ends. If the client disconnects, generation stops."""
    try:
        while True:
            found = await chunks.queue.get()
            if isinstance(found, str):
                if found:
                    yield shape.chunk(found)
            elif isinstance(found, BaseException):
                yield f"data: {json.dumps({'error': {'message': 'the text could not be generated', 'code': 500}})}\n\n"
                return
            else:
                counter.inc()
                yield shape.last(found)
                return
    finally:
        chunks.close()


def _usage(answer: Answer) -> dict[str, int]:
    read, written = answer["prompt_tokens"], answer["tokens"]
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
