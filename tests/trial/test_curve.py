"""The curve of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pefbench.errors import DivergedError
from pefbench.sections import TrainSection
from pefbench.trial import curve

if TYPE_CHECKING:
    from pefbench.results.schema import CurvePoint


@pytest.mark.parametrize(("total", "interval", "points"), [(1, 1, 1), (199, 1, 199), (1000, 5, 200), (1599, 7, 229)])
def test_a_run_has_about_200_points_or_one_a_step(total: int, interval: int, points: int) -> None:
    assert curve.log_interval(total) == interval
    assert -(-total // interval) == points


def test_a_point_has_the_mean_loss_of_its_interval_and_the_last_steps_rate() -> None:
    settings = TrainSection(learning_rate=0.5, schedule="constant", warmup=0)
    found = curve.point(np.array([1.0, 3.0]), 6, 10, 1.5, settings)
    assert found == {"step": 6, "epoch": 1.5, "loss": 2.0, "learning_rate": 0.5}


@pytest.mark.parametrize("worst", [np.nan, np.inf])
def test_the_first_loss_that_is_not_finite_is_named(worst: float) -> None:
    settings = TrainSection(learning_rate=0.5, schedule="constant", warmup=0)
    with pytest.raises(DivergedError, match=r"not finite at step 5 of 10 \(learning rate 0\.5\)"):
        curve.point(np.array([1.0, worst, worst]), 6, 10, 1.5, settings)


def test_the_loss_beside_the_scores_is_the_mean_since_the_last_ones() -> None:
    def point(step: int, loss: float, *, scored: bool = False) -> CurvePoint:
        found: CurvePoint = {"step": step, "epoch": 1.0, "loss": loss, "learning_rate": 0.1}
        return found | {"validation": {}} if scored else found

    points = [point(2, 8.0), point(3, 5.0, scored=True), point(5, 4.0), point(6, 1.0)]
    assert curve.mean_since(points[:2]) == (2 * 8 + 5) / 3
    assert curve.mean_since(points) == (2 * 4 + 1) / 3
