"""Alerts where negative opinion surges, from dated texts, at a stated rate of false alarms."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fastapi import Request  # noqa: TC002 - read from the annotation when the application is made
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pefbench.apps.app import App
from pefbench.apps.logs import Events
from pefbench.apps.monitor import items, shown
from pefbench.apps.monitor.config import MonitorSection
from pefbench.apps.monitor.counts import Counts
from pefbench.apps.monitor.monitor import Monitor
from pefbench.apps.monitor.opinion import Trained
from pefbench.apps.monitor.service import Service, channels
from pefbench.apps.monitor.store import Store
from pefbench.server import Refusal, application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import FastAPI

    from pefbench.apps.monitor.monitor import Taken
    from pefbench.apps.monitor.opinion import Classifier
    from pefbench.apps.sections import TrainingSection
    from pefbench.server import Settings

STATE = "monitor.sqlite"


class Given(BaseModel):
    """What `/v1/items` is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[Any] = Field(description="each with text, time (ISO 8601, with its zone), company and id")


class MonitorApp(App[MonitorSection]):
    """The opinion monitor."""

    section: ClassVar[type[MonitorSection]] = MonitorSection

    def trainings(self, config: MonitorSection) -> Mapping[str, TrainingSection]:
        """A model of sentiment and, where it is wanted, one of topics."""
        return {"sentiment": config.sentiment, **({"topic": config.topic} if config.topic else {})}

    def make(self, config: MonitorSection, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """The HTTP application. Raises a UserError for what is missing or wrong."""
        return make(config, Trained(models, config.negative, config.margin), settings)


def make(config: MonitorSection, classify: Classifier, settings: Settings) -> FastAPI:
    """The application with this classifier. Its threads run from its start to its end."""
    out = channels(config.alerts)
    store = Store(Path(config.folder) / STATE)
    monitor = Monitor(store, classify, config, [*out])
    counts, events = Counts(store), Events("monitor", texts=config.log_texts)

    def told(done: Taken) -> None:
        counts.taken(done)
        for each in done.new:
            events("skipped", logging.WARNING, where=each.where, why=each.reason)

    service = Service(monitor, config, out, events, told)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop, settings.patience)
        store.close()

    page = files(__name__.rpartition(".")[0]) / "page.html"
    app = application("pefbench monitor", settings, counts, page=page, ready=lambda: service.alive, lifespan=life)

    @app.post("/v1/items", summary="Takes items; they are written when it answers")
    async def take(given: Given, request: Request) -> JSONResponse:
        _check(given, request.app.state.settings)
        now = datetime.now(UTC)
        longest = config.server.max_characters
        entries = [items.of_value(each, now, longest, f"items.{i}") for i, each in enumerate(given.items)]
        done = await run_in_threadpool(monitor.take, entries)
        told(done)
        return JSONResponse({"taken": done.taken, "repeated": done.repeated, "skipped": dict(done.skipped)})

    @app.get("/v1/series", summary="All series: their counts, what is usual, and whether they surge")
    async def series() -> JSONResponse:
        return JSONResponse(await run_in_threadpool(shown.overview, monitor, config))

    @app.get("/v1/series/{number}", summary="One series, period by period")
    async def one(number: int) -> JSONResponse:
        known = abs(number) < 2**63  # SQLite has no larger numbers
        found = await run_in_threadpool(shown.trend, monitor, config, number) if known else None
        if found is None:
            raise Refusal(404, f"there is no series {number}")
        return JSONResponse(found)

    @app.get("/v1/alerts", summary="The alerts, the last one first, with the headlines that caused them")
    async def alerts() -> JSONResponse:
        return JSONResponse({"alerts": await run_in_threadpool(shown.alerts, monitor, config)})

    return app


def _check(given: Given, settings: Settings) -> None:
    """Raise Refusal for more items than a request may have."""
    if len(given.items) > settings.inputs:
        raise Refusal(413, f"items: at most {settings.inputs} in a request, here are {len(given.items)}")


APP = MonitorApp()
