"""Losses that are each within their interval but together too many to be chance."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.analysis.checks import Tolerances, check, render
from pefbench.paths import PROJECT
from pefbench.results.store import Stored, load_results, newest
from tests.sample_results import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pefbench.results.schema import MetricValue


@pytest.fixture(scope="module")
def baseline() -> Sequence[Stored]:
    return newest(load_results(PROJECT / "results" / "baseline", without=("curve",)).results)[0]


def changed(baseline: Sequence[Stored], change: Callable[[MetricValue], float | None]) -> list[Stored]:
    """The same results with other test values; None leaves one as it is."""
    found = []
    for stored in baseline:
        result: Any = copy.deepcopy(stored.result)
        for metric in result.get("metrics", {}).get("test", {}).values():
            value = change(metric)
            metric["value"] = metric["value"] if value is None else value
        found.append(Stored(stored.path.with_name("elsewhere.json"), result))
    return found


def failures(found: list[Stored], baseline: Sequence[Stored]) -> list[str]:
    return [each.subject for each in check(found, baseline, Tolerances()) if each.is_failure]


def test_every_metric_at_the_lower_end_of_its_interval_fails(baseline: Sequence[Stored]) -> None:
    def worst(metric: MetricValue) -> float | None:
        return metric["low"] if metric["higher_is_better"] else metric["high"]

    found = changed(baseline, worst)
    assert "headline metrics" in failures(found, baseline)
    assert "are worse as a group" in render(check(found, baseline, Tolerances()))


def test_the_same_results_pass_and_better_ones_too(baseline: Sequence[Stored]) -> None:
    assert not failures(changed(baseline, lambda _: None), baseline)
    better = changed(baseline, lambda metric: metric["high"] if metric["higher_is_better"] else metric["low"])
    assert "headline metrics" not in failures(better, baseline)


def test_gains_and_losses_by_chance_pass(baseline: Sequence[Stored]) -> None:
    alarms = 0
    for seed in range(40):
        draw = random.Random(seed)

        def other(metric: MetricValue, draw: random.Random = draw) -> float | None:
            if metric["low"] is None or metric["high"] is None:
                return None
            return metric["value"] + draw.gauss(0, (metric["high"] - metric["low"]) / 4)

        alarms += "headline metrics" in failures(changed(baseline, other), baseline)
    assert alarms <= 3


def with_seeds(draw: random.Random, shift: float, first: int) -> list[Stored]:
    """Three seeds on each of ten data sets, whose scores vary by 0.01 and are lower by `shift`."""
    return [
        Stored(
            Path(f"{first}/{data}{seed}"),
            sample(value=0.5 - shift + draw.gauss(0, 0.01), seed=seed, changes={"data.fingerprint": f"data {data}"}),
        )
        for data in range(10)
        for seed in range(3)
    ]


def test_small_losses_of_several_seeds_are_seen_together() -> None:
    """A loss of 1.5 spreads in each of ten data sets, which no test of one alone shows."""
    draw = random.Random(1)
    old = with_seeds(draw, 0, 0)
    assert "headline metrics" in failures(with_seeds(draw, 0.015, 1), old)
    alarms = sum("headline metrics" in failures(with_seeds(draw, 0, 1), with_seeds(draw, 0, 0)) for _ in range(60))
    assert alarms <= 5
