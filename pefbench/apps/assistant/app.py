"""Customer-service assistant: answers by intent and retrieval where it is sure enough, and hands over otherwise."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pefbench.apps.app import App
from pefbench.apps.assistant import answering, choosing, defaults, held_out, knowledge
from pefbench.apps.assistant.config import AssistantSection
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from pefbench.apps.assistant.rule import Rule
    from pefbench.apps.sections import TrainingSection
    from pefbench.server import Settings

MOST_NAMED = 10
"""How many skipped rows of the knowledge `train` names; the log of the running assistant names all."""


class AssistantApp(App[AssistantSection]):
    """The application."""

    section = AssistantSection

    def before_training(self, config: AssistantSection) -> None:
        """Write the default knowledge if the user has none, and the intent model's data."""
        if config.knowledge is None and not config.knowledge_folder.is_dir():
            defaults.write_knowledge(config.knowledge_folder)
        if config.out_of_scope is None and not config.out_of_scope_file.exists():
            defaults.write_out_of_scope(config.out_of_scope_file)
        entries, _ = knowledge.read(config.knowledge_folder)
        splits = held_out.split(entries, held_out.read_outside(config.out_of_scope_file))
        if len({str(row.values["label"]) for row in splits["train"]}) < 2:
            raise DataError(f"{config.knowledge_folder}: has only one intent; name others in the column intent")
        held_out.write(config.data_folder, splits)

    def trainings(self, config: AssistantSection) -> Mapping[str, TrainingSection]:
        """The models of intents and of ranking replies."""
        data = f"data.source=file:{config.data_folder}"
        parts = [f"data.{name}={name}.csv" for name in held_out.FRACTIONS]
        intents = config.intents.model_copy(update={"overrides": [data, *parts, *config.intents.overrides]})
        return {"intents": intents} | ({"replies": config.replies} if config.replies else {})

    def check(self, config: AssistantSection, models: Mapping[str, Path]) -> None:  # noqa: ARG002 - the trials suffice
        """Raise DataError for a trial of another task."""
        answering.loaded(models)

    def after_training(self, config: AssistantSection, models: Mapping[str, Path]) -> Iterable[str]:
        """Choose the rule on validation, and measure it on test."""
        from pefbench.apps.assistant.retrieval import Index
        from pefbench.apps.assistant.service import named
        from pefbench.apps.embeddings import Embeddings

        judge = answering.Judge.load(models)
        entries, skipped = knowledge.read(config.knowledge_folder)
        questions = held_out.questions(entries, held_out.read_outside(config.out_of_scope_file))
        stored = Embeddings(judge.embed, models["intents"].name, config.embeddings_file)
        stored([each.question for each in entries])  # also of those held out, for the server
        index = Index(questions.known, judge.embed, stored)
        chosen = choosing.choose(
            judge, index, questions.validation, config.wrong, config.risk, config.out_of_scope_share
        )
        measured = choosing.measure(judge, index, questions.test, chosen)
        choosing.write(config.rule_file, chosen, measured, named(models), config.limits)
        yield f"knowledge: {len(entries):,} entries{f'; rows skipped: {len(skipped):,}' if skipped else ''}"
        yield from (f"  {told}" for told in skipped[:MOST_NAMED])
        if len(skipped) > MOST_NAMED:
            yield f"  and {len(skipped) - MOST_NAMED:,} more"
        yield from _told(config, chosen, measured)

    def make(self, config: AssistantSection, models: Mapping[str, Path], settings: Settings) -> FastAPI:
        """The assistant behind HTTP."""
        from pefbench.apps.assistant import http
        from pefbench.apps.assistant.service import Assistant
        from pefbench.apps.logs import Events
        from pefbench.server import application

        assistant = Assistant(config, models, Events("assistant", texts=config.log_texts))

        @asynccontextmanager
        async def life(_app: Any) -> AsyncIterator[None]:
            yield
            assistant.close()

        page = files(__name__.rpartition(".")[0]) / "page.html"
        app = application("pefbench assistant", settings, page=page, lifespan=life)
        http.add(app, assistant)
        return app


def _told(config: AssistantSection, chosen: Rule, measured: choosing.Measured) -> Iterable[str]:
    """Lines that describe the rule and its results."""
    if chosen.threshold > 1:
        yield (
            f"validation cannot show that at most {config.wrong:.0%} of the answers would be wrong: everything is "
            "handed over; bring more questions, in scope and out of scope, or allow a higher rate: wrong"
        )
        return
    answered, wrong, asked = measured["answered"], measured["wrong"], measured["questions"]
    share = f", {wrong / answered:.1%} wrong, 95 % interval [{measured['low']:.1%}, {measured['high']:.1%}]"
    yield f"test: {answered:,} of {asked:,} questions answered{share if answered else ''}"
    yield f"test: {measured['let_through']:,} of {measured['outside']:,} questions out of scope answered"
    yield f"the rate holds if at most {chosen.share:.1%} of the questions are out of scope: out_of_scope_share"


APP = AssistantApp()
