"""Alerts where negative opinion surges, from dated texts, at a stated rate of false alarms."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from starlette.concurrency import run_in_threadpool

from pefbench.apps.app import App
from pefbench.apps.logs import Events
from pefbench.apps.monitor import http, opinion
from pefbench.apps.monitor.config import MonitorSection
from pefbench.apps.monitor.counts import Counts
from pefbench.apps.monitor.monitor import Monitor
from pefbench.apps.monitor.opinion import Trained
from pefbench.apps.monitor.service import Service, channels
from pefbench.apps.monitor.store import Store
from pefbench.server import application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fastapi import FastAPI

    from pefbench.apps.monitor.monitor import Taken
    from pefbench.apps.monitor.opinion import Classifier
    from pefbench.apps.sections import TrainingSection
    from pefbench.server import Settings

STATE = "monitor.sqlite"


class MonitorApp(App[MonitorSection]):
    """The opinion monitor."""

    section: ClassVar[type[MonitorSection]] = MonitorSection

    def trainings(self, config: MonitorSection) -> Mapping[str, TrainingSection]:
        """A sentiment model and, if configured, a topic model."""
        return {"sentiment": config.sentiment, **({"topic": config.topic} if config.topic else {})}

    def check(self, config: MonitorSection, models: Mapping[str, Path]) -> None:
        """Raise DataError for a trial of another task, or one without the label of bad news."""
        opinion.loaded(models, config.negative)

    def make(self, config: MonitorSection, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """Make the HTTP application. Raises a UserError if something is missing or wrong."""
        return make(config, Trained(models, config.negative, config.margin), settings)


def make(config: MonitorSection, classify: Classifier, settings: Settings) -> FastAPI:
    """Make the application with this classifier. Its threads run from startup to shutdown."""
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
    http.add(app, monitor, config, told)
    return app


APP = MonitorApp()
