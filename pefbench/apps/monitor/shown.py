"""The page's content: series with their usual values, their trends, and the alerts."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

from pefbench.apps.monitor import detect, periods
from pefbench.apps.monitor.messages import message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench import Json
    from pefbench.apps.monitor.config import MonitorSection
    from pefbench.apps.monitor.monitor import Monitor
    from pefbench.apps.monitor.store import Count, Series

SHIFTS = (1, 2, 3)
"""Rises, in usual spreads of a period's share, for which the delay is stated."""
MOST_ALERTS = 100
MOST_PERIODS = 400


def overview(monitor: Monitor, config: MonitorSection) -> Json:
    """All series, and the false-alarm rate to which they were calibrated."""
    series = monitor.store.series()
    watched = sum(each.quiet is not None for each in series)
    sums = monitor.store.sums()
    return {
        "period": monitor.length,
        "items": sum(items for items, _, _ in sums.values()),
        "abstained": sum(abstained for _, abstained, _ in sums.values()),
        "skipped": monitor.store.skips(),
        "watched": watched,
        "false_alarms_per_1000": config.false_alarms,
        "false_alarms_per_1000_each": config.false_alarms / watched if watched else None,
        "quiet_periods": config.quiet,
        "series": [_series(each, sums, _sensitivity(each, monitor, watched)) for each in series],
    }


def trend(monitor: Monitor, config: MonitorSection, number: int) -> Json | None:
    """A series' last periods, with its alerts; None if there is no such series."""
    series = monitor.store.one_series(number)
    if series is None:
        return None
    counts = monitor.store.counts(number)[-MOST_PERIODS:]
    found = monitor.store.alerts(number)
    watched = sum(each.quiet is not None for each in monitor.store.series())
    return {
        **_series(series, monitor.store.sums(), _sensitivity(series, monitor, watched)),
        "periods": [_period(each, series, monitor) for each in counts],
        "alerts": [message(each, monitor, config) for each in found[-MOST_ALERTS:]],
    }


def alerts(monitor: Monitor, config: MonitorSection) -> list[Json]:
    """The latest alerts, newest first."""
    return [
        {**message(each, monitor, config), "series": each.series}
        for each in monitor.store.alerts()[: -MOST_ALERTS - 1 : -1]
    ]


_run_length = lru_cache(maxsize=2**14)(detect.run_length)


def _sensitivity(series: Series, monitor: Monitor, watched: int) -> Json:
    """delays: the mean number of periods from a rise of so many spreads to the alarm, if the CUSUM starts at zero."""
    if series.quiet is None:
        return {"threshold": None, "delays": None}
    quiet = detect.Quiet(**series.quiet)
    limit = monitor.judge.limit(quiet, watched)
    delays = {str(shift): round(_run_length(limit, quiet.rise(shift), quiet.spread), 1) for shift in SHIFTS}
    return {"threshold": limit, "delays": delays}


def _series(series: Series, sums: Mapping[int, tuple[int, int, int]], sensitivity: Json) -> Json:
    """usual_spread: the spread of the share in a period with the average number of items."""
    quiet, state = series.quiet, series.state or {}
    items, abstained, several = sums.get(series.id, (0, 0, 0))
    spread = sqrt(quiet["within"] * several / items + quiet["between"]) if quiet else None
    return {
        "id": series.id,
        "company": series.company or None,
        "topic": series.topic or None,
        "items": items,
        "abstained": abstained,
        "quiet": several if quiet is None else None,
        "usual_share": quiet["share"] if quiet else None,
        "usual_spread": spread,
        "statistic": state.get("statistic"),
        "surging": state.get("surging", False),
        **sensitivity,
    }


def _period(count: Count, series: Series, monitor: Monitor) -> Json:
    """A period's share, and the range of usual shares."""
    quiet = series.quiet
    spread = sqrt(quiet["within"] / count.items + quiet["between"]) if quiet and count.items else None
    return {
        "period": periods.said(count.period, monitor.length),
        "items": count.items,
        "abstained": count.abstained,
        "share": count.negative / count.items if count.items else None,
        "spread": spread,
    }
