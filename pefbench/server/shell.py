"""What all HTTP applications share: limits and keys, one-sentence error responses, a page, health and metrics."""

from __future__ import annotations

import logging
from importlib.resources import files
from time import perf_counter
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pefbench import __version__
from pefbench.errors import OutputError
from pefbench.server.counts import Requests
from pefbench.server.gate import Gate
from pefbench.server.refusals import Refusal, of_validation
from pefbench.server.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from importlib.resources.abc import Traversable

    from pefbench.server.settings import Settings


def application(
    title: str,
    settings: Settings,
    counts: Requests | None = None,
    *,
    page: Traversable | None = None,
    ready: Callable[[], bool] = lambda: True,
    lifespan: Any = None,
) -> FastAPI:
    """Make an application that has only `/health`, `/ready`, `/metrics` and its page.

    Routes under `/v1/` and `/metrics` require one of the keys. counts: the metrics of `/metrics`; None: only those of
    requests. page: the HTML file for `/`; it may link `/page.css` and `/page.js`, which all pages share. ready: whether
    requests can be answered. lifespan: passed to FastAPI. `app.state` has `settings`, `counts` and `threads`, whose
    `run(function, ...)` does a request's work in a thread, or refuses it if the queue is full.
    """
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.settings, app.state.counts = settings, counts or Requests()
    app.state.threads = Threads(settings.queue)
    app.middleware("http")(_counted)
    app.add_middleware(Gate, settings=settings)
    _refuse(app)
    if page is not None:
        _show(app, page)
    _about(app, ready)
    return app


def _refuse(app: FastAPI) -> None:
    """Turn every error into a response of one sentence."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> Response:
        return refusal.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return of_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path[:100]}: {str(error.detail).lower()}"
        if error.status_code == 400:
            message = "the body is not JSON"
        return Refusal(error.status_code, message, error.headers).response()

    @app.exception_handler(OutputError)
    async def unwritten(_request: Request, error: OutputError) -> Response:
        return Refusal(503, str(error), {"Retry-After": "5"}).response()

    @app.exception_handler(RecursionError)
    async def deep(_request: Request, _error: RecursionError) -> Response:
        return Refusal(400, "the body is nested too deeply").response()

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> Response:
        logging.getLogger("pefbench.server").error("a request failed", exc_info=error)
        return Refusal(500, "internal server error; the server's log has the details").response()


def _show(app: FastAPI, shown: Traversable) -> None:
    """Serve the application's page, and the files that all pages share."""
    own = "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"
    policy = f"default-src 'none'; {own}; connect-src 'self'; img-src data:"

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return _file(shown, "text/html", {"Content-Security-Policy": policy})

    @app.get("/page.css", include_in_schema=False)
    async def style() -> Response:
        return _file(files("pefbench.server") / "page.css", "text/css")

    @app.get("/page.js", include_in_schema=False)
    async def script() -> Response:
        return _file(files("pefbench.server") / "page.js", "text/javascript")


def _file(file: Traversable, kind: str, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a file's content."""
    fixed = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return Response(file.read_bytes(), media_type=kind, headers={**fixed, **(headers or {})})


def _about(app: FastAPI, ready: Callable[[], bool]) -> None:
    """Add health, readiness and metrics."""

    @app.get("/health", summary="Liveness")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="Readiness", responses={503: {"description": "Not ready."}})
    async def is_ready() -> JSONResponse:
        there = ready()
        return JSONResponse({"status": "ready" if there else "not ready"}, 200 if there else 503)

    @app.get("/metrics", summary="Prometheus metrics", response_class=Response)
    def metrics() -> Response:  # in a thread: an application's numbers may wait for a database
        return Response(app.state.counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _counted(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count a request by its route."""
    started = perf_counter()
    response = await go_on(request)
    route = request.scope.get("route")
    path = getattr(route, "path", "other")
    counts: Requests = request.app.state.counts
    counts.requests.labels(path, response.status_code).inc()
    counts.seconds.labels(path).observe(perf_counter() - started)
    return response
