"""Judges closed periods, series by series: the quiet history calibrates a series; a later surge raises an alert."""

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
"""The number of periods to which `false_alarms` refers."""


@dataclass
class Reference:
    """A series' earlier periods, for comparison: their sorted values, and the last period's z."""

    values: list[float]
    last: float


class Judge:
    """Judges the series of a store.

    quiet: the number of periods of a quiet history. false_alarms: in 1,000 periods, over all series together.

    Call it within a transaction. It depends only on the store, so a crash changes nothing.
    """

    def __init__(self, store: Store, quiet: int, false_alarms: float, channels: Sequence[str]) -> None:
        self._store, self._quiet, self._false_alarms, self._channels = store, quiet, false_alarms, tuple(channels)
        self._references: dict[int, Reference] = {}

    def forget(self) -> None:
        """Forget cached results and read the store again, after a transaction has failed."""
        self._references.clear()

    def late(self, series: Series, period: int) -> None:
        """Note an item for a period; if that was already judged, the series is judged again from the beginning."""
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
        """The threshold of one of `watched` series, whose false-alarm rates add up to the stated rate."""
        return detect.threshold(self._false_alarms / RATE / watched, quiet.spread)

    def _calibrate(self, series: Series, closed: int) -> detect.Quiet | None:
        """The series' quiet behaviour; None until its quiet history is complete."""
        counts = _with_items(self._store.counts(series.id, last=closed - 1))[: self._quiet]
        if len(counts) < self._quiet:
            return None
        quiet = detect.Quiet.of(counts)
        self._store.keep(series.id, quiet=asdict(quiet), state=None)
        return quiet

    def _go_on(self, series: Series, quiet: detect.Quiet, closed: int, limit: float) -> None:
        """Judge a series' closed periods that were not judged yet."""
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
        """The earlier periods with which the next one is compared; periods of a surge are left out."""
        counts = _with_items(self._store.counts(series.id, last=state.period))
        z = [quiet.excess(count) for count in counts]
        values = [quiet.news(now, last) for now, last in zip(z[1:], z, strict=False)]
        quiet_values = [
            value for value, count in zip(values, counts[1:], strict=True) if not state.was_surging(count.period)
        ]
        return Reference(sorted(quiet_values), z[-1])

    def _alert(self, series: Series, state: detect.State, limit: float) -> None:
        """Store an alert, unless there is one of the same surge."""
        onset = state.period if state.onset is None else state.onset
        earlier = self._store.alerts(series.id)
        if not any(each.onset <= state.period and onset <= each.period for each in earlier):
            self._store.alert(Alert(0, series.id, onset, state.period, state.statistic, limit), self._channels)


def _with_items(counts: Sequence[Count]) -> list[Count]:
    """The periods with items that count."""
    return [each for each in counts if each.items]
