"""What runs beside the server: a channel that is slow keeps neither items nor the end waiting."""

from __future__ import annotations

from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from pefbench.apps.logs import Events
from pefbench.apps.monitor.alert import Channel
from pefbench.apps.monitor.config import MonitorSection
from pefbench.apps.monitor.monitor import Monitor
from pefbench.apps.monitor.service import Service
from pefbench.apps.monitor.store import Store
from tests.apps.monitor.opinions import classify, days, line
from tests.apps.monitor.test_monitor import surge

if TYPE_CHECKING:
    from pathlib import Path


class Slow(Channel):
    """A channel whose messages arrive when they are let."""

    def __init__(self) -> None:
        self.asked, self.let, self.arrived = Event(), Event(), list[Any]()

    def send(self, message: Any) -> None:
        self.asked.set()
        assert self.let.wait(60)
        self.arrived.append(message["company"])


def test_a_slow_webhook_keeps_neither_items_nor_the_end_waiting(tmp_path: Path) -> None:
    news = tmp_path / "news"
    news.mkdir()
    config = MonitorSection.model_validate(
        {"folder": str(tmp_path), "quiet": 20, "input": {"folder": str(news), "every": 0.05}}
    )
    monitor, slow = Monitor(Store(tmp_path / "state.sqlite"), classify, config, ["webhook"]), Slow()
    both = sorted([*surge(), *surge("Umbrella")], key=lambda each: each.time)
    monitor.take(both)
    service = Service(monitor, config, {"webhook": slow}, Events("monitor", texts=False), lambda _: None)
    service.start()
    assert slow.asked.wait(60)
    (news / "more.jsonl").write_text("".join(f"{line(each)}\n" for each in days(58, 60)), encoding="utf8")
    until = monotonic() + 30
    while (counted := monitor.store.totals()[0]) == len(both) and monotonic() < until:
        sleep(0.02)
    assert counted == len(both) + 20
    assert not slow.arrived
    service.stop(0.0)
    slow.let.set()
    service.stop(60.0)
    assert len(slow.arrived) == 1  # the one under way; the other stays for the next start
    assert [channel for _, channel, _ in monitor.store.unsent()] == ["webhook"]
    assert service.failed is None
    monitor.store.close()
