"""The assistant's routes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge
from pydantic import BaseModel, ConfigDict, Field

from pefbench import Json  # noqa: TC001 - FastAPI reads it
from pefbench.server import Refusal, check_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from pefbench.apps.assistant.answering import Reply
    from pefbench.apps.assistant.service import Assistant

NAME = r"^[A-Za-z0-9._-]{1,100}$"


class Asked(BaseModel):
    """A turn of a user."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(description="what was said")
    conversation: str | None = Field(None, pattern=NAME, description="the conversation that it belongs to")
    generate: bool = Field(default=False, description="whether the answer may be generated from what was retrieved")


class HandedOver(BaseModel):
    """A request for a person."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation: str = Field(pattern=NAME, description="the conversation")


def add(app: FastAPI, assistant: Assistant) -> None:
    """Add the routes to an application."""
    registry = app.state.counts.registry
    replies = Counter("pefbench_assistant_replies", "Replies, by their reason.", ("why",), registry=registry)
    entries = Gauge("pefbench_assistant_entries", "Entries of the knowledge.", registry=registry)
    entries.set_function(lambda: len(assistant.library.shelf.index.entries))
    outdated = Gauge(
        "pefbench_assistant_knowledge_outdated", "1 while the folder's latest state cannot be read.", registry=registry
    )
    outdated.set_function(lambda: assistant.library.refused is not None)

    @app.post("/v1/reply", summary="Answer a text, or hand over")
    async def reply(asked: Asked) -> Json:
        text = check_text(asked.text, "text", app.state.settings.characters)
        if asked.generate and assistant.generator is None:
            raise Refusal(
                400, "generate: this assistant has no model that generates; its operator can configure one: generator"
            )
        return await _counted(partial(assistant.reply, text, asked.conversation, generate=asked.generate))

    @app.post("/v1/hand-over", summary="Give a conversation to a person")
    async def hand_over(asked: HandedOver) -> Json:
        return await _counted(partial(assistant.hand_over, asked.conversation))

    @app.get("/v1/status", summary="What it knows, and how often it is wrong")
    async def status() -> Json:
        rule, shelf = assistant.rule, assistant.library.shelf
        return {
            "entries": len(shelf.index.entries),
            "skipped": len(shelf.skipped),
            "refused": assistant.library.refused,
            "generates": assistant.generator is not None,
            "allowed_wrong": rule.rate,
            "risk": rule.risk,
            "out_of_scope_share": rule.share,
            "threshold": rule.threshold if rule.threshold <= 1 else None,
            "measured": assistant.measured,
        }

    async def _counted(answer: Callable[[], Reply]) -> Json:
        found = await app.state.threads.run(answer)
        replies.labels(found["why"]).inc()
        return {**found}
