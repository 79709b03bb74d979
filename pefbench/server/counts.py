"""Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from pefbench.server.engine import Engine

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Requests:
    """The metrics that every HTTP application has; an application may register more."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "pefbench_requests", "Requests, by path and status.", ("path", "status"), registry=registry
        )
        self.seconds = Histogram(
            "pefbench_request_seconds",
            "Duration of a request in seconds.",
            ("path",),
            buckets=SECONDS,
            registry=registry,
        )

    def text(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class Counts(Requests):
    """The metrics of `pefbench serve`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        registry = self.registry
        self.inputs = Counter("pefbench_inputs", "Answered inputs, by model.", ("model",), registry=registry)
        self._rows = Histogram("pefbench_batch_rows", "Rows in a batch.", buckets=ROWS, registry=registry)
        self._models = Histogram("pefbench_batch_models", "Models in a batch.", buckets=ROWS, registry=registry)
        self._loads = Histogram(
            "pefbench_load_seconds", "Seconds spent loading weights from disk.", buckets=SECONDS, registry=registry
        )
        waiting = Gauge("pefbench_waiting_inputs", "Inputs waiting for an answer.", registry=registry)
        waiting.set_function(lambda: engine.waiting)
        served = Gauge("pefbench_models", "Served models.", registry=registry)
        served.set_function(lambda: len(engine.store.names()))
        resident = Gauge("pefbench_models_in_memory", "Models whose weights are in memory.", registry=registry)
        resident.set_function(lambda: len(engine.store.resident()))
        engine.ran, engine.store.loaded = self._ran, self._loads.observe

    def _ran(self, rows: int, models: int) -> None:
        self._rows.observe(rows)
        self._models.observe(models)
