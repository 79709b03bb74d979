"""Closed periods are judged, series by series: its quiet history calibrates it, a surge after that is an alert."""

from __future__ import annotations

import bisect
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pefbench.apps.monitor import detect
from pefbench.apps.monitor.store import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.apps.monitor.store import Count, Series, Store

RATE = 1000
"""The periods for which false alarms are stated."""


@dataclass
class Reference:
    """A series' earlier periods, for comparison: their values in order of size, and the last one's z."""

    values: list[float]
    last: float


class Judge:
    """What judges the series of a store.

    quiet: the periods of a quiet history. false_alarms: in 1,000 periods, of all series together.

    It is called within a transaction. All that it goes by stands in the store, so a crash changes nothing.
    """

    def __init__(self, store: Store, quiet: int, false_alarms: float, channels: Sequence[str]) -> None:
        self._store, self._quiet, self._false_alarms, self._channels = store, quiet, false_alarms, tuple(channels)
        self._references: dict[int, Reference] = {}

    def forget(self) -> None:
        """Read everything from the store again: what was judged is not written."""
        self._references.clear()

    def late(self, series: Series, period: int) -> None:
        """An item has come for a period: where that was judged, the series is judged anew from its beginning."""
        if series.state and period <= series.state["period"]:
            self._references.pop(series.id, None)
            self._store.keep(series.id, quiet=series.quiet, state=None)

    def judge(self, closed: int) -> None:
        """Judge all periods before `closed`."""
        watched = []
        for series in self._store.series():
            quiet = detect.Quiet(**series.quiet) if series.quiet else self._calibrate(series, closed)
            if quiet:
                watched.append((series, quiet))
        for series, quiet in watched:
            self._go_on(series, quiet, closed, self.limit(quiet, len(watched)))

    def limit(self, quiet: detect.Quiet, watched: int) -> float:
        """The threshold of one of so many series: their rates of false alarms add up to the stated one."""
        return detect.threshold(self._false_alarms / RATE / watched, quiet.spread)

    def _calibrate(self, series: Series, closed: int) -> detect.Quiet | None:
        """What the series is like when quiet, where its quiet history is whole."""
        counts = _with_items(self._store.counts(series.id, last=closed - 1))[: self._quiet]
        if len(counts) < self._quiet:
            return None
        quiet = detect.Quiet.of(counts)
        self._store.keep(series.id, quiet=asdict(quiet), state=None)
        return quiet

    def _go_on(self, series: Series, quiet: detect.Quiet, closed: int, limit: float) -> None:
        """Judge a series' periods that are closed and were not judged."""
        before = detect.State(**series.state) if series.state else detect.State(quiet.last)
        news = _with_items(self._store.counts(series.id, before.period + 1, closed - 1))
        if not news and series.state:
            return
        reference = self._references.get(series.id) or self._refer(series, quiet, before)
        state = before
        for count in news:
            z = quiet.excess(count)
            value = quiet.news(z, reference.last)
            state, alarm = detect.step(state, count.period, detect.normal_score(reference.values, value), limit)
            reference.last = z
            if not state.surging:
                bisect.insort(reference.values, value)
            if alarm:
                self._alert(series, state, limit)
        self._references[series.id] = reference
        self._store.keep(series.id, quiet=asdict(quiet), state=asdict(state))

    def _refer(self, series: Series, quiet: detect.Quiet, state: detect.State) -> Reference:
        """What a series' next period is compared with: its earlier ones, but for those of a surge."""
        counts = _with_items(self._store.counts(series.id, last=state.period))
        z = [quiet.excess(count) for count in counts]
        values = [quiet.news(now, last) for now, last in zip(z[1:], z, strict=False)]
        quiet_values = [
            value for value, count in zip(values, counts[1:], strict=True) if not state.was_surging(count.period)
        ]
        return Reference(sorted(quiet_values), z[-1])

    def _alert(self, series: Series, state: detect.State, limit: float) -> None:
        """Write an alert down, unless one of the same surge stands there."""
        onset = state.period if state.onset is None else state.onset
        earlier = self._store.alerts(series.id)
        if not any(each.onset <= state.period and onset <= each.period for each in earlier):
            self._store.alert(Alert(0, series.id, onset, state.period, state.statistic, limit), self._channels)


def _with_items(counts: Sequence[Count]) -> list[Count]:
    """The periods of which anything can be said."""
    return [each for each in counts if each.items]
