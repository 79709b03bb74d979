"""The data for the page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.apps.monitor import shown
from pefbench.apps.monitor.config import MonitorSection
from tests.apps.monitor.opinions import days, item
from tests.apps.monitor.test_monitor import _closed, made

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["_closed"]
"""A fixture of another module."""


def test_items_and_those_that_abstained_are_told_apart(tmp_path: Path) -> None:
    monitor, config = made(tmp_path), MonitorSection.model_validate({})
    unsure = item(0, 50, 0.5)
    monitor.take([*days(0, 3), replace(unsure, text=f"?{unsure.text}"), *days(3, 4, company="Umbrella")])
    found = shown.overview(monitor, config)
    assert (found["items"], found["abstained"], found["watched"]) == (40, 1, 0)
    assert [(each["company"], each["items"], each["abstained"], each["quiet"]) for each in found["series"]] == [
        ("Acme", 30, 1, 3),
        ("Umbrella", 10, 0, 1),
    ]
    trend = shown.trend(monitor, config, 1)
    assert trend is not None
    assert [(each["items"], each["abstained"], each["spread"]) for each in trend["periods"]] == [
        (10, 1, None),
        (10, 0, None),
        (10, 0, None),
    ]
    assert shown.trend(monitor, config, 9) is None
