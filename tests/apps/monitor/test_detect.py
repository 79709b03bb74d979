"""The false-alarm rate is the stated one for any distribution, and a surge raises one alarm."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pefbench.apps.monitor import detect
from pefbench.apps.monitor.detect import Quiet, State, normal_score, step
from pefbench.apps.monitor.store import Count

if TYPE_CHECKING:
    from collections.abc import Callable


def test_run_lengths_are_those_of_the_literature() -> None:
    # Two-sided CUSUMs with k = .5 take 168 and 465 periods at h = 4 and 5 (Montgomery, Introduction to Statistical
    # Quality Control, table 9.3), one-sided ones twice as long; with a shift of 1, 8.38 and 10.4.
    assert [round(detect.run_length(limit)) for limit in (4, 5)] == [335, 930]
    assert [detect.run_length(limit, 1.0) for limit in (4, 5)] == [
        pytest.approx(8.38, abs=0.02),
        pytest.approx(10.38, abs=0.02),
    ]


@pytest.mark.parametrize("rate", [1 / 20, 1 / 1000, 1 / 100_000])
def test_a_threshold_has_its_rate(rate: float) -> None:
    assert 1 / detect.run_length(detect.threshold(rate)) == pytest.approx(rate, rel=0.005)


def test_ranks_are_scored_by_the_middle_of_ties() -> None:
    assert normal_score([1.0, 2.0, 3.0], 2.0) == 0.0
    assert normal_score([], 5.0) == 0.0
    assert normal_score([1.0] * 9, 2.0) == pytest.approx(-normal_score([1.0] * 9, 0.0))
    assert normal_score([1.0] * 9, 2.0) == pytest.approx(1.645, abs=0.001)  # the 95th percentile


@pytest.mark.parametrize(
    ("draw", "least"),
    [
        (lambda random, count: random.standard_normal(count), 300),
        (lambda random, count: random.exponential(size=count) ** 3, 300),
        (lambda random, count: random.integers(0, 4, count).astype(float), 30),  # ties make alarms rarer
    ],
    ids=["normal", "skewed", "ties"],
)
def test_false_alarms_are_as_often_as_stated(
    draw: Callable[[np.random.Generator, int], np.ndarray[Any, Any]], least: int
) -> None:
    random, limit, alarms = np.random.default_rng(0), detect.threshold(1 / 50), 0
    for _ in range(60):
        values = draw(random, 530).tolist()
        earlier, state = sorted(values[:30]), State(0)
        for day, value in enumerate(values[30:]):
            state, alarm = step(state, day, normal_score(earlier, value), limit)
            alarms += alarm
            bisect.insort(earlier, value)
    # 600, were there no time until a false alarm has passed; the standard error is 24.
    assert least < alarms < 600


def correlated(random: np.random.Generator, memory: float, count: int) -> np.ndarray[Any, Any]:
    found = random.standard_normal(count)
    for period in range(1, count):
        found[period] = memory * found[period - 1] + (1 - memory**2) ** 0.5 * found[period]
    return found


@pytest.mark.parametrize("memory", [0.3, 0.6])
def test_false_alarms_are_no_more_often_where_days_resemble_the_day_before(memory: float) -> None:
    random, quiet = np.random.default_rng(0), Quiet(0.3, 0.1, 0.01, memory, 0)
    limits = [detect.threshold(1 / 50, spread) for spread in (quiet.spread, 1.0)]
    alarms = [0, 0]
    for _ in range(60):
        z = correlated(random, memory, 530)
        values = quiet.news(z[1:], z[:-1]).tolist()
        earlier, states = sorted(values[:30]), [State(0), State(0)]
        for day, value in enumerate(values[30:]):
            score = normal_score(earlier, value)
            for number, limit in enumerate(limits):
                states[number], alarm = step(states[number], day, score, limit)
                alarms[number] += alarm
            bisect.insort(earlier, value)
    # 600 of 30,000 days were stated; the standard error is some 30.
    assert 200 < alarms[0] < 600
    assert alarms[1] > 1.2 * alarms[0]  # a threshold that allows for no memory is lower


def test_memory_makes_surges_be_seen_later() -> None:
    quiet = [Quiet(0.3, 0.1, 0.01, memory, 0) for memory in (0.0, 0.2, 0.5, 0.8)]
    assert quiet[0].spread == quiet[0].rise(1.0) == 1.0
    limits = [detect.threshold(1 / 1000, each.spread) for each in quiet]
    assert limits == sorted(limits)
    rates = [detect.run_length(limit, 0.0, each.spread) for limit, each in zip(limits, quiet, strict=True)]
    assert rates == pytest.approx([1000] * 4, rel=0.005)
    delays = [detect.run_length(limit, each.rise(2.0), each.spread) for limit, each in zip(limits, quiet, strict=True)]
    assert delays == sorted(delays)
    # The sum of an autoregression: its innovations' sum over 1 - memory, by Brockwell and Davis 1991, theorem 7.1.2;
    # half of the memory off is (1 - memory / 2) of it, and its spread is divided by that of one score.
    assert quiet[2].spread == pytest.approx(0.75 * 3**0.5 / (1 - 0.25 + 0.0625) ** 0.5, abs=0.02)


def test_a_surge_is_one_alarm() -> None:
    state, alarms = State(0), []
    for day, score in enumerate([0.1, *[2.0] * 10, *[-0.5] * 10, *[2.0] * 5]):
        state, alarm = step(state, day, score, 4.0)
        alarms += [(day, state.onset)] if alarm else []
    assert alarms == [(3, 1), (23, 21)]
    assert [tuple(each) for each in state.surges] == [(3, 13), (23, 25)]
    assert state.was_surging(5)
    assert not state.was_surging(15)


def counts(share: float, memory: float = 0.0, days: int = 400) -> list[Count]:
    random, level, found = np.random.default_rng(1), 0.0, []
    for day in range(days):
        level = memory * level + 0.1 * float(random.standard_normal())
        chances = np.clip(random.normal(share + level, 0.1, 20), 0, 1)
        found.append(Count(day, 20, 0, float(chances.sum()), float((chances**2).sum())))
    return found


def test_a_quiet_history_is_measured() -> None:
    quiet = Quiet.of(counts(0.4))
    assert quiet.share == pytest.approx(0.4, abs=0.02)
    assert quiet.between == pytest.approx(0.01, rel=0.2)
    assert quiet.last == 399
    z = [quiet.excess(each) for each in counts(0.4)]
    assert np.std(z) == pytest.approx(1.0, abs=0.1)
    assert Quiet.of(counts(0.4, memory=0.6)).memory == pytest.approx(0.6, abs=0.1)


def test_a_history_without_any_spread_is_measured() -> None:
    quiet = Quiet.of([Count(day, 1, 0, 0.5, 0.25) for day in range(20)])
    assert quiet.excess(Count(20, 1, 0, 0.5, 0.25)) == 0.0
    assert quiet.excess(Count(20, 1, 0, 0.9, 0.81)) > 1
