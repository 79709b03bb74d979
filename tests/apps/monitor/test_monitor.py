"""Each item is counted once, in its own period, and each surge is alerted once, in any order of arrival."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.apps.monitor import detect
from pefbench.apps.monitor.config import MonitorSection
from pefbench.apps.monitor.items import Item, Skipped
from pefbench.apps.monitor.monitor import Monitor
from pefbench.apps.monitor.store import Store
from pefbench.errors import DataError, HeldError, OutputError
from tests.apps.monitor.opinions import FIRST, classify, days, item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ONSETS = (20_039, 20_040)
"""Where the surge begins: a day that happens to be a little worse before it is counted with it."""

OPEN: list[Store] = []


def made(folder: Path, **changes: Any) -> Monitor:
    config = MonitorSection.model_validate({"folder": str(folder), "quiet": 20, **changes})
    OPEN.append(Store(folder / "state.sqlite"))
    return Monitor(OPEN[-1], classify, config, ["file"])


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close what a test opened: Python 3.13 warns of a database that is left open."""
    yield
    while OPEN:
        OPEN.pop().close()


def seen(monitor: Monitor) -> tuple[Any, ...]:
    """All that must not depend on crashes."""
    store = monitor.store
    series = store.series()
    return series, [store.counts(each.id) for each in series], store.alerts(), store.skips(), store.unsent()


def surge(company: str = "Acme") -> list[Item]:
    """Forty quiet days, eight of a surge, ten quiet ones."""
    parts = days(0, 40, company=company), days(40, 48, company=company, mean=0.7), days(48, 58, company=company)
    return [each for part in parts for each in part]


def test_a_surge_is_alerted_once_with_its_headlines(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    monitor.take(surge())
    [alert] = monitor.store.alerts()
    assert alert.onset in ONSETS
    assert alert.period in range(20_040, 20_045)
    assert alert.statistic >= alert.threshold > 4
    headlines = monitor.store.headlines(alert.series, alert.onset, alert.period, 3)
    assert [chance for _, _, chance in headlines] == sorted((chance for _, _, chance in headlines), reverse=True)
    assert all(chance > 0.6 for _, _, chance in headlines)
    assert [(each.id, channel) for each, channel, _ in monitor.store.unsent()] == [(alert.id, "file")]


def test_a_headline_that_came_twice_is_shown_once(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    times = (FIRST, FIRST + 60, FIRST + 120)
    monitor.take([Item(str(time), "0.9 Lawsuit accuses Acme", time, "Acme") for time in times])
    monitor.take([Item("other", "0.8 Acme fined", FIRST, "Acme")])
    [series] = monitor.store.series()
    shown = monitor.store.headlines(series.id, 0, 10**6, 3)
    assert shown == [(times[-1], "0.9 Lawsuit accuses Acme", 0.9), (FIRST, "0.8 Acme fined", 0.8)]


def test_a_quiet_series_is_not_alerted(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    monitor.take([*days(0, 200)])
    assert not monitor.store.alerts()


def test_another_surge_is_another_alert(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    monitor.take(surge())
    monitor.take([*days(58, 90), *days(90, 96, mean=0.7), *days(96, 97)])
    assert [each.onset // 50 for each in monitor.store.alerts()] == [400, 401]


def test_the_same_item_counts_once(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    given = [*days(0, 5)]
    first = monitor.take([*given, *given[:7], Skipped("a", "no text", "x:1"), Skipped("a", "no text", "x:2")])
    assert (first.taken, first.repeated) == (50, 7)
    assert [each.where for each in first.new] == ["x:1"]
    assert monitor.take(first.new).new == []
    before = seen(monitor)
    assert monitor.take(given).repeated == 50
    assert seen(monitor) == before
    assert monitor.store.skips() == {"no text": 1}


def test_items_without_a_company_count_for_those_whose_names_they_have(tmp_path: Path) -> None:
    monitor = made(tmp_path, companies={"Headline": [], "Other": ["2"]})
    given = [item(0, number, 0.5, company=None) for number in range(3)]
    assert monitor.take(given).taken == 4
    assert (monitor.take(given).taken, monitor.take(given).repeated) == (0, 4)
    sums = monitor.store.sums()
    assert {each.company: sums[each.id][0] for each in monitor.store.series()} == {"Headline": 3, "Other": 1}


def test_unsure_texts_count_apart_and_by_probability(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    unsure = item(0, 2, 0.5)
    unsure = type(unsure)(unsure.key, f"?{unsure.text}", unsure.time, unsure.company)
    monitor.take([item(0, 0, 0.9), item(0, 1, 0.6), unsure])
    [count] = monitor.store.counts(1)
    assert (count.items, count.abstained) == (2, 1)
    assert count.negative == pytest.approx(1.5)
    assert count.squares == pytest.approx(0.81 + 0.36)


def test_late_items_land_in_their_own_period(tmp_path: Path) -> None:
    ordered, shuffled = made(tmp_path / "ordered"), made(tmp_path / "shuffled")
    given = surge()
    ordered.take(given)
    mixed = given[:]
    random.Random(1).shuffle(mixed)
    shuffled.take(mixed)
    shuffled.settle()
    assert shuffled.store.counts(1) == ordered.store.counts(1)
    assert [each.onset for each in shuffled.store.alerts()] == [each.onset for each in ordered.store.alerts()]


def test_late_items_do_not_alert_a_surge_again(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    monitor.take(surge())
    before = monitor.store.alerts()
    late = [item(day, number, 0.95) for day in range(39, 47) for number in range(20, 25)]
    monitor.take(late)
    monitor.settle()
    assert monitor.store.alerts() == before


def test_late_items_may_show_a_surge(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    monitor.take([*days(0, 40), *days(48, 50)])
    assert not monitor.store.alerts()
    monitor.take([*days(40, 48, mean=0.7)])
    monitor.settle()
    [alert] = monitor.store.alerts()
    assert alert.onset in ONSETS


class Crash(BaseException):
    """The process dies."""


def crashing(monitor: Monitor, after: int) -> None:
    """Let a write fail after so many."""
    left, execute = [after], monitor.store.add

    def add(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        return execute(*arguments)

    monitor.store.add = add  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("seed", range(5))
def test_a_crash_changes_nothing(tmp_path: Path, seed: int) -> None:
    given = sorted([*surge(), *surge("Umbrella")], key=lambda each: each.time)
    whole = made(tmp_path / "whole")
    whole.take(given)
    draw = random.Random(seed)
    for _ in range(8):
        monitor = made(tmp_path / "crashed")
        crashing(monitor, draw.randrange(1, len(given) // 2))
        with suppress(Crash):
            monitor.take(given)
        monitor.store.close()
    monitor = made(tmp_path / "crashed")
    monitor.take(given)
    assert seen(monitor) == seen(whole)
    assert len(whole.store.alerts()) == 2


def test_a_failed_batch_leaves_the_monitor_as_it_was(tmp_path: Path) -> None:
    given = surge()
    whole, monitor = made(tmp_path / "whole"), made(tmp_path / "failed")
    whole.take(given)
    add = monitor.store.add
    crashing(monitor, 333)
    with pytest.raises(Crash):
        monitor.take(given)
    monitor.store.add = add  # type: ignore[method-assign]
    monitor.take(given)
    assert seen(monitor) == seen(whole)


def test_each_series_has_its_part_of_the_stated_rate(tmp_path: Path) -> None:
    monitor = made(tmp_path, false_alarms=2.0)
    companies = [f"Company {number}" for number in range(4)]
    given = [each for company in companies for each in days(0, 30, company=company)]
    given.sort(key=lambda each: each.time)
    monitor.take(given)
    series = monitor.store.series()
    assert [each.company for each in series] == companies
    assert all(each.quiet for each in series)
    quiet = [detect.Quiet(**each.quiet) for each in series if each.quiet]
    rates = [1000 / detect.run_length(monitor.judge.limit(each, 4), 0.0, each.spread) for each in quiet]
    assert len(rates) == 4
    assert sum(rates) == pytest.approx(2.0, rel=0.01)


def test_one_process_has_the_store(tmp_path: Path) -> None:
    monitor = made(tmp_path)
    with pytest.raises(HeldError, match="another process uses it"):
        made(tmp_path)
    monitor.store.close()
    made(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(DataError, match="is not a database of the monitor"):
        made(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        made(tmp_path / "state.sqlite")


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    monitor, given = made(tmp_path), [*days(0, 5)]
    monitor.store._base.execute("PRAGMA max_page_count = 10")
    with pytest.raises(OutputError, match="database or disk is full"):
        monitor.take([*days(0, 300)])
    monitor.store._base.execute("PRAGMA max_page_count = 100000")
    monitor.take(given)
    monitor.take([*days(0, 300)])
    assert monitor.store.totals() == (3000, 0)


def test_what_cannot_be_read_for_a_moment_ends_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of the service try again after an OutputError; any other error ends them."""
    monitor = made(tmp_path)

    class Failing:
        def execute(self, *_: Any) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(monitor.store, "_base", Failing())
        for read in (monitor.store.unsent, monitor.store.progress, lambda: monitor.take([*days(0, 1)])):
            with pytest.raises(OutputError, match="cannot be read: disk I/O error"):
                read()
    assert monitor.take([*days(0, 1)]).taken == 10


def test_a_folder_counts_by_one_length(tmp_path: Path) -> None:
    made(tmp_path).store.close()
    with pytest.raises(DataError, match="counts by day"):
        made(tmp_path, period="hour")
