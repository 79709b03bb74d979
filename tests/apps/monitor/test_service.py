"""Background work beside the server: a slow channel delays neither items nor shutdown."""

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
from pefbench.errors import OutputError
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


class Kept(Channel):
    """A channel that is there, or is not."""

    def __init__(self, *, there: bool) -> None:
        self.there, self.arrived = there, list[Any]()

    def send(self, message: Any) -> None:
        if not self.there:
            raise OutputError("gone")
        self.arrived.append(message["company"])


def alerted(folder: Path, channels: dict[str, Channel]) -> tuple[Monitor, Service]:
    """A monitor with an alert that is still to be sent, and what sends it."""
    config = MonitorSection.model_validate({"folder": str(folder), "quiet": 20, "input": {"every": 0.05}})
    monitor = Monitor(Store(folder / "state.sqlite"), classify, config, [*channels])
    monitor.take(surge())
    return monitor, Service(monitor, config, channels, Events("monitor", texts=False), lambda _: None)


def test_a_channel_that_does_not_answer_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    slow, file = Slow(), Kept(there=True)
    monitor, service = alerted(tmp_path, {"a pipe that nobody reads": slow, "file": file})
    service.start()
    assert slow.asked.wait(60)
    until = monotonic() + 30
    while not file.arrived and monotonic() < until:
        sleep(0.02)
    assert (file.arrived, slow.arrived) == (["Acme"], [])
    slow.let.set()
    service.stop(60.0)
    monitor.store.close()


def test_a_channel_is_given_its_own_alerts_alone(tmp_path: Path) -> None:
    one, other = Kept(there=True), Kept(there=True)
    monitor, service = alerted(tmp_path, {"one": one, "other": other})
    assert [channel for _, channel, _ in monitor.store.unsent()] == ["one", "other"]
    assert [channel for _, channel, _ in monitor.store.unsent("other")] == ["other"]
    service.send("one")
    assert (one.arrived, other.arrived) == (["Acme"], [])
    assert monitor.store.unsent("one") == []
    assert len(monitor.store.unsent("other")) == 1
    monitor.store.close()


def test_an_address_that_is_gone_for_weeks_ends_nothing(tmp_path: Path) -> None:
    webhook = Kept(there=False)
    monitor, service = alerted(tmp_path, {"webhook": webhook})
    monitor.store._base.execute("UPDATE outbox SET tries = 5000")
    service.send("webhook")
    [(_, _, tries)] = monitor.store.unsent()
    assert tries == 5001
    webhook.there = True
    service.send("webhook")
    assert not webhook.arrived  # it is not time yet
    monitor.store.close()
