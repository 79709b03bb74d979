"""The HTTP interface."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from importlib.resources import files
from time import perf_counter
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from pefbench import __version__
from pefbench.errors import UserError
from pefbench.inference.kind import Json
from pefbench.server import asking, completions
from pefbench.server.counts import Counts
from pefbench.server.gate import Gate
from pefbench.server.refusals import Refusal, of_validation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pefbench.server.engine import Engine
    from pefbench.server.settings import Settings
    from pefbench.server.store import Served

GONE = 499
"""The status that logs have for a client that broke off."""


class Asked(BaseModel):
    """What `/v1/predict` is asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="the name of a served model")
    inputs: str | Json | list[str | Json] = Field(
        description="a text, or an object with the columns that the model reads; or a list of such"
    )


class Answered(BaseModel):
    """What `/v1/predict` answers: one answer for each input, in their order, whose fields the model's head decides."""

    model: str
    answers: list[Json]


class Named(BaseModel):
    """A model of the folder from which models may be loaded."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="the name of a folder in the operator's folder of models")


def make(engine: Engine, settings: Settings) -> FastAPI:
    """The application. It stops the engine when it ends."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(engine.stop, settings.patience)

    app = FastAPI(title="pefbench serve", version=__version__, docs_url=None, redoc_url=None, lifespan=life)
    app.state.engine, app.state.settings, app.state.counts = engine, settings, Counts(engine)
    app.middleware("http")(_counted)
    app.add_middleware(Gate, settings=settings)
    _refuse(app)
    _about(app)
    _models(app)
    _predict(app)
    completions.add(app)
    return app


def _refuse(app: FastAPI) -> None:
    """Say what is wrong in one sentence, whatever it is."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> Response:
        return refusal.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return of_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        said = f"{request.method} {request.url.path[:100]}: {str(error.detail).lower()}"
        if error.status_code == 400:
            said = "the body is not JSON"
        return Refusal(error.status_code, said, error.headers).response()

    @app.exception_handler(asking.Gone)
    async def gone(_request: Request, _error: asking.Gone) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(RecursionError)
    async def deep(_request: Request, _error: RecursionError) -> Response:
        return Refusal(400, "the body is nested too deeply").response()

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> Response:
        logging.getLogger("pefbench.server").error("a request failed", exc_info=error)
        return Refusal(500, "this is a fault of the server, which its log tells of").response()


def _about(app: FastAPI) -> None:
    """What the server says of itself."""
    engine: Engine = app.state.engine

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> HTMLResponse:
        text = files("pefbench.server").joinpath("page.html").read_text(encoding="utf8")
        inline = "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        policy = f"default-src 'none'; {inline}; connect-src 'self'; img-src data:"
        return HTMLResponse(text, headers={"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"})

    @app.get("/health", summary="Whether the process answers")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Whether it takes inputs", responses={503: {"description": "It does not."}})
    async def ready() -> JSONResponse:
        there = engine.alive
        return JSONResponse({"status": "ready" if there else "not ready"}, 200 if there else 503)

    @app.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(app.state.counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _models(app: FastAPI) -> None:
    """Which models are served, and how that changes."""
    engine: Engine = app.state.engine
    settings: Settings = app.state.settings

    @app.get("/v1/models", summary="The models that are served")
    async def models() -> Json:
        resident = set(engine.store.resident())
        data = [_described(engine.store.find(name), resident) for name in engine.store.names()]
        return {"object": "list", "data": data, "can_be_loaded": settings.there()}

    @app.get("/v1/models/{name}", summary="One of them")
    async def model(name: str) -> Json:
        return _described(asking.find(engine, name), set(engine.store.resident()))

    @app.post("/v1/models", summary="Serve a model of the operator's folder")
    async def load(named: Named) -> Json:
        try:
            folder = settings.folder(named.model)
        except UserError as error:
            raise Refusal(404 if settings.models else 403, str(error)) from None
        try:
            served = await run_in_threadpool(engine.store.open, named.model, folder)
        except UserError as error:
            raise Refusal(422, str(error).replace(str(folder), named.model)) from None
        return _described(served, set(engine.store.resident()))

    @app.delete("/v1/models/{name}", summary="Serve a model no longer")
    async def unload(name: str) -> Json:
        if settings.models is None:
            raise Refusal(403, "this server's models stay; its operator names a folder of others: --models")
        asking.find(engine, name)
        engine.store.close(name)
        return {"id": name, "object": "model", "deleted": True}


def _predict(app: FastAPI) -> None:
    """What models are asked."""
    engine: Engine = app.state.engine

    @app.post("/v1/predict", summary="Ask a model", response_model=Answered)
    async def predict(asked: Asked, request: Request) -> Json:
        served = asking.find(engine, asked.model)
        inputs = asked.inputs if isinstance(asked.inputs, list) else [asked.inputs]
        asking.check(inputs, app.state.settings)
        found = await asking.answers(engine, served, inputs, request)
        app.state.counts.inputs.labels(asked.model).inc(len(found))
        return {"model": asked.model, "answers": found}


def _described(served: Served, resident: set[str]) -> Json:
    """A model as the list of models has it."""
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


async def _counted(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count a request by its route."""
    started = perf_counter()
    response = await go_on(request)
    route = request.scope.get("route")
    path = getattr(route, "path", "other")
    counts: Counts = request.app.state.counts
    counts.requests.labels(path, response.status_code).inc()
    counts.seconds.labels(path).observe(perf_counter() - started)
    return response
