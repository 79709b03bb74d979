"""The HTTP interface."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pefbench.errors import UserError
from pefbench.inference.kind import Json
from pefbench.server import asking, completions, shell
from pefbench.server.counts import Counts
from pefbench.server.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pefbench.server.engine import Engine
    from pefbench.server.settings import Settings
    from pefbench.server.store import Served

GONE = 499
"""The status in logs for a client that disconnected."""


class PredictRequest(BaseModel):
    """The body of `/v1/predict`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="the name of a served model")
    inputs: str | Json | list[str | Json] = Field(
        description="a text, or an object with the columns that the model reads; or a list of such"
    )


class PredictResponse(BaseModel):
    """The response of `/v1/predict`: one answer for each input, in order. The model's head decides its fields."""

    model: str
    answers: list[Json]


class LoadRequest(BaseModel):
    """The body of `POST /v1/models`: a model to load from the operator's folder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="the name of a folder in the operator's folder of models")


def make(engine: Engine, settings: Settings) -> FastAPI:
    """Make the application. It stops the engine on shutdown."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(engine.stop, settings.patience)

    app = shell.application(
        "pefbench serve",
        settings,
        Counts(engine),
        page=files("pefbench.server") / "page.html",
        ready=lambda: engine.alive,
        lifespan=life,
    )
    app.state.engine = engine
    app.exception_handler(asking.Gone)(_gone)
    _models(app)
    _predict(app)
    completions.add(app)
    return app


async def _gone(_request: Request, _error: asking.Gone) -> Response:
    return Response(status_code=GONE)


def _models(app: FastAPI) -> None:
    """Add the routes that list, load and unload models."""
    engine: Engine = app.state.engine
    settings: Settings = app.state.settings

    @app.get("/v1/models", summary="List the served models")
    async def models() -> Json:
        resident = set(engine.store.resident())
        data = [_described(engine.store.find(name), resident) for name in engine.store.names()]
        return {"object": "list", "data": data, "can_be_loaded": settings.there()}

    @app.get("/v1/models/{name}", summary="Describe a served model")
    async def model(name: str) -> Json:
        return _described(asking.find(engine, name), set(engine.store.resident()))

    @app.post("/v1/models", summary="Load a model of the operator's folder")
    async def load(body: LoadRequest) -> Json:
        try:
            folder = settings.folder(body.model)
        except UserError as error:
            raise Refusal(404 if settings.models else 403, str(error)) from None
        try:
            served = await run_in_threadpool(engine.store.open, body.model, folder)
        except UserError as error:
            raise Refusal(422, str(error).replace(str(folder), body.model)) from None
        return _described(served, set(engine.store.resident()))

    @app.delete("/v1/models/{name}", summary="Unload a model")
    async def unload(name: str) -> Json:
        if settings.models is None:
            raise Refusal(403, "this server does not unload models; its operator can allow it with --models")
        asking.find(engine, name)
        engine.store.close(name)
        return {"id": name, "object": "model", "deleted": True}


def _predict(app: FastAPI) -> None:
    """Add the route that answers inputs."""
    engine: Engine = app.state.engine

    @app.post("/v1/predict", summary="Predict", response_model=PredictResponse)
    async def predict(body: PredictRequest, request: Request) -> Json:
        served = asking.find(engine, body.model)
        inputs = body.inputs if isinstance(body.inputs, list) else [body.inputs]
        asking.check(inputs, app.state.settings)
        found = await asking.answers(engine, served, inputs, request)
        app.state.counts.inputs.labels(body.model).inc(len(found))
        return {"model": body.model, "answers": found}


def _described(served: Served, resident: set[str]) -> Json:
    """A model's entry in the list of models."""
    model = served.model
    return {
        "id": served.name,
        "object": "model",
        "created": served.opened,
        "owned_by": "pefbench",
        "task": model.task,
        "recipe": model.name,
        "labels": model.labels,
        "columns": {name: model.needs(name) for name in model.columns},
        "reads_texts": model.reads_texts,
        "generates": served.generates,
        "shares_batches": not served.alone,
        "why_alone": served.alone or None,
        "in_memory": served.name in resident,
    }
