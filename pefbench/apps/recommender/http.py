"""The recommender's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge
from pydantic import BaseModel, ConfigDict, Field

from pefbench import Json  # noqa: TC001 - FastAPI reads it
from pefbench.server import Refusal, check_text

if TYPE_CHECKING:
    from fastapi import FastAPI

    from pefbench.apps.recommender.service import Recommender, Used
    from pefbench.server import Settings

MOST = 100
"""The most items in a list."""


class Given(BaseModel):
    """Something that was taken: an item of the catalogue, or the text of an unknown item."""

    model_config = ConfigDict(extra="forbid", strict=True)

    item: str | None = Field(None, description="its name in the catalogue")
    text: str | None = Field(None, description="its text, if it is not in the catalogue")


class Asked(BaseModel):
    """A request for recommendations. Without a history, popular items are recommended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user: str | None = Field(None, description="a user of the histories, whose own history comes first; others are new")
    history: list[Given] = Field([], description="what was taken, the latest last")
    most: int = Field(10, ge=1, le=MOST, description="items of the list")


def add(app: FastAPI, recommender: Recommender) -> None:
    """Add the routes to an application."""
    registry, settings, threads = app.state.counts.registry, app.state.settings, app.state.threads
    lists = Counter("pefbench_recommender_lists", "Lists, by whose they are.", ("user",), registry=registry)
    told = Counter("pefbench_recommender_reasons", "First reasons, by their kind.", ("kind",), registry=registry)
    items = Gauge("pefbench_recommender_items", "Items of the catalogue.", registry=registry)
    items.set(len(recommender.catalogue.names))

    @app.post("/v1/recommend", summary="What somebody takes next, with reasons")
    async def recommend(asked: Asked) -> Json:
        before = recommender.taken(asked.user) if asked.user is not None else []
        used = [*before, *_used(recommender, asked, settings)]
        found = await threads.run(recommender.recommend, used, asked.most)
        lists.labels("known" if before else "new" if used else "without history").inc()
        for each in found:
            told.labels(each["reasons"][0]["kind"]).inc()
        return {"items": found, "history": len(used), "known": bool(before)}

    @app.get("/v1/items", summary="Items whose text has all words of a query, the most popular first")
    async def search(query: str = "", most: int = 20) -> Json:
        if len(query) > settings.characters or not 1 <= most <= MOST:
            raise Refusal(400, f"query: at most {settings.characters:,} characters; most: 1 to {MOST}")
        found = await threads.run(recommender.search, query, most)
        return {"items": [each._asdict() for each in found]}

    @app.get("/v1/status", summary="The catalogue, what was left out of it, and how good the lists are")
    async def status() -> Json:
        known = recommender.catalogue
        return {
            "items": len(known.names),
            "users": len(known.users),
            "events": len(known.times),
            "skipped": dict(recommender.skips.counts),
            "reranked": recommender.ranker.weights.reranked,
            "measured": recommender.measured,
        }


def _used(recommender: Recommender, asked: Asked, settings: Settings) -> list[Used]:
    """The items taken according to the request. Raises Refusal."""
    if len(asked.history) > settings.inputs:
        raise Refusal(413, f"history: {len(asked.history)} items in one request; at most {settings.inputs} are allowed")
    found = []
    for place, each in enumerate(asked.history):
        if (each.item is None) == (each.text is None):
            raise Refusal(400, f"history.{place}: needs either an item or a text")
        if each.text is not None:
            check_text(each.text, f"history.{place}.text", settings.characters)
        known = recommender.used(each.item, each.text)
        if known is None:
            raise Refusal(404, f"history.{place}.item: not in the catalogue; give its text instead")
        found.append(known)
    return found
