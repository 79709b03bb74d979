"""The monitor's Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from pefbench.server import Requests

if TYPE_CHECKING:
    from pefbench.apps.monitor.monitor import Taken
    from pefbench.apps.monitor.store import Store


class Counts(Requests):
    """The monitor's metrics. Counters restart with each process; gauges describe everything in the store."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        registry = self.registry
        self._items = Counter("pefbench_items", "Items read, by what became of them.", ("what",), registry=registry)
        self._skips = Counter("pefbench_items_skipped", "Skipped items, by reason.", ("reason",), registry=registry)
        stored = {
            "pefbench_series": ("Series that are counted.", lambda: len(store.series())),
            "pefbench_alerts": ("Alerts that were raised.", lambda: len(store.alerts())),
            "pefbench_alerts_unsent": ("Alerts still to be sent.", lambda: len(store.unsent())),
            "pefbench_items_stored": ("Items that are counted.", lambda: store.totals()[0]),
            "pefbench_items_abstained": ("Items that the model is unsure of.", lambda: store.totals()[1]),
        }
        for name, (said, value) in stored.items():
            Gauge(name, said, registry=registry).set_function(value)

    def taken(self, done: Taken) -> None:
        """Count entries that were read."""
        self._items.labels("taken").inc(done.taken)
        self._items.labels("repeated").inc(done.repeated)
        for reason, number in done.skipped.items():
            self._skips.labels(reason).inc(number)
