"""Recommender: what somebody takes next, from the texts of what they took, with reasons that can be checked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pefbench.apps.app import App
from pefbench.apps.recommender import catalogue, histories, questions
from pefbench.apps.recommender.config import RecommenderSection
from pefbench.apps.recommender.reranking import Reranker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from pefbench.apps.sections import TrainingSection
    from pefbench.server import Settings


class RecommenderApp(App[RecommenderSection]):
    """The application."""

    section = RecommenderSection

    def before_training(self, config: RecommenderSection) -> None:
        """Write the choice model's data: what people took before the test period."""
        known = catalogue.Catalogue.of(histories.read(config.histories, config.items))
        borders = catalogue.borders(known.times, config.validation, config.test)
        questions.write(config.data_folder, known, *borders, config.per_user_training, questions.TESTED)

    def trainings(self, config: RecommenderSection) -> Mapping[str, TrainingSection]:
        """The model that chooses among proposals."""
        data = [f"data.source=file:{config.data_folder}", *(f"data.{part}={part}.jsonl" for part in questions.PARTS)]
        return {"choice": config.choice.model_copy(update={"overrides": [*data, *config.choice.overrides]})}

    def check(self, config: RecommenderSection, models: Mapping[str, Path]) -> None:  # noqa: ARG002 - the trial suffices
        """Raise DataError for a trial of another task."""
        for trial in models.values():
            Reranker.load(trial)

    def after_training(self, config: RecommenderSection, models: Mapping[str, Path]) -> Iterable[str]:
        """Choose the weights on validation, and measure them on test."""
        from pefbench.apps.recommender import choosing, kept, measuring, prepared, telling

        ready = prepared.prepare(config, models["choice"])
        weights = choosing.fit(ready, config)
        report = measuring.measured(ready, config, weights)
        kept.write(config.weights_file, weights, report, models)
        known = ready.known
        yield f"{len(known.times):,} events of {len(known.users):,} users with {len(known.names):,} items"
        if told := ready.skips.told:
            yield f"left out: {told}"
        yield f"the choice model reads the first {weights.reranked} proposals of a list"
        yield from telling.lines(report)

    def make(self, config: RecommenderSection, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """The recommender behind HTTP."""
        from pefbench.apps.logs import Events
        from pefbench.apps.recommender import http
        from pefbench.apps.recommender.service import Recommender
        from pefbench.server import application

        recommender = Recommender(config, models, Events("recommender", texts=config.log_texts))

        @asynccontextmanager
        async def life(_app: Any) -> AsyncIterator[None]:
            yield

        page = files(__name__.rpartition(".")[0]) / "page.html"
        app = application("pefbench recommender", settings, page=page, lifespan=life)
        http.add(app, recommender)
        return app


APP = RecommenderApp()
