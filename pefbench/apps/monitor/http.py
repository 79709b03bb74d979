"""The monitor's routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pefbench.apps.monitor import items, shown
from pefbench.server import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from pefbench.apps.monitor.config import MonitorSection
    from pefbench.apps.monitor.monitor import Monitor, Taken
    from pefbench.server import Settings


class Given(BaseModel):
    """The body of a request to `/v1/items`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[Any] = Field(description="each with text, time (ISO 8601 with a time zone), company and id")


def add(app: FastAPI, monitor: Monitor, config: MonitorSection, told: Callable[[Taken], None]) -> None:
    """Add the routes to an application. told: called with what became of the items of each request."""
    settings, threads, longest = app.state.settings, app.state.threads, config.server.max_characters

    @app.post("/v1/items", summary="Takes items; they are stored before the response is sent")
    async def take(given: Given) -> JSONResponse:
        _check(given, settings)
        now = datetime.now(UTC)
        entries = [items.of_value(each, now, longest, f"items.{i}") for i, each in enumerate(given.items)]
        done = await threads.run(monitor.take, entries)
        told(done)
        return JSONResponse({"taken": done.taken, "repeated": done.repeated, "skipped": dict(done.skipped)})

    @app.get("/v1/series", summary="All series: their counts, the usual level, and whether they surge")
    async def series() -> JSONResponse:
        return JSONResponse(await threads.run(shown.overview, monitor, config))

    @app.get("/v1/series/{number}", summary="One series, period by period")
    async def one(number: int) -> JSONResponse:
        known = abs(number) < 2**63  # SQLite has no larger numbers
        found = await threads.run(shown.trend, monitor, config, number) if known else None
        if found is None:
            raise Refusal(404, f"there is no series {number}")
        return JSONResponse(found)

    @app.get("/v1/alerts", summary="The alerts, newest first, with the headlines that caused them")
    async def alerts() -> JSONResponse:
        return JSONResponse({"alerts": await threads.run(shown.alerts, monitor, config)})


def _check(given: Given, settings: Settings) -> None:
    """Raise Refusal for more items than a request may have."""
    if len(given.items) > settings.inputs:
        raise Refusal(413, f"items: at most {settings.inputs} per request, got {len(given.items)}")
