"""Alerts as they are sent and shown: what surged, since when, by how much, and the headlines that caused it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pefbench.apps.monitor import periods

if TYPE_CHECKING:
    from pefbench import Json
    from pefbench.apps.monitor.config import MonitorSection
    from pefbench.apps.monitor.monitor import Monitor
    from pefbench.apps.monitor.store import Alert


def message(alert: Alert, monitor: Monitor, config: MonitorSection) -> Json:
    """An alert as JSON. Its key is unique and the same whenever it is sent."""
    store, length = monitor.store, monitor.length
    series = store.one_series(alert.series)
    counts = [each for each in store.counts(alert.series, alert.onset, alert.period) if each.items]
    items = sum(each.items for each in counts)
    headlines = store.headlines(alert.series, alert.onset, alert.period, config.alerts.headlines)
    said = [series.company, series.topic] if series else ["", ""]
    identity = "\n".join([length, str(alert.period), *said])
    return {
        "key": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "company": said[0] or None,
        "topic": said[1] or None,
        "since": periods.said(alert.onset, length),
        "seen": periods.said(alert.period, length),
        "period": length,
        "items": items,
        "negative_share": round(sum(each.negative for each in counts) / items, 4) if items else None,
        "usual_share": round(series.quiet["share"], 4) if series and series.quiet else None,
        "statistic": round(alert.statistic, 3),
        "threshold": round(alert.threshold, 3),
        "false_alarms_per_1000_periods": config.false_alarms,
        "headlines": [
            {"time": datetime.fromtimestamp(time, UTC).isoformat(), "text": text, "negative": round(negative, 4)}
            for time, text, negative in headlines
        ],
    }
