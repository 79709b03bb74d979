"""The curve of a training run: the mean loss of each log interval, and the scores on validation, if any."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import DivergedError
from pefbench.trial.schedule import learning_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.results.schema import CurvePoint
    from pefbench.sections import TrainSection

POINTS = 200
"""Approximate number of points in the curve of a long run."""


def log_interval(total: int) -> int:
    """The number of steps between two points, in a run of `total` steps."""
    return max(1, total // POINTS)


def point(losses: np.ndarray[Any, Any], step: int, total: int, epoch: float, settings: TrainSection) -> CurvePoint:
    """The point at `step`. losses: of each step since the last point, shape (steps,).

    Raises DivergedError at the first loss that is not finite.
    """
    if not np.isfinite(losses).all():
        diverged = step - len(losses) + int(np.argmin(np.isfinite(losses))) + 1
        raise DivergedError(
            f"the loss is not finite at step {diverged} of {total} "
            f"(learning rate {learning_rate(settings, diverged - 1, total):.3g}); try a lower learning rate"
        )
    rate = learning_rate(settings, step - 1, total)
    return {"step": step, "epoch": epoch, "loss": float(losses.mean()), "learning_rate": rate}


def mean_since(curve: Sequence[CurvePoint]) -> float:
    """The mean loss since the last point with validation scores, not counting the newest point, which has none yet."""
    first = next((place + 1 for place in reversed(range(len(curve) - 1)) if "validation" in curve[place]), 0)
    begin = curve[first - 1]["step"] if first else 0
    ends = [point["step"] for point in curve[first:]]
    steps = [end - start for start, end in pairwise([begin, *ends])]
    return sum(point["loss"] * n for point, n in zip(curve[first:], steps, strict=True)) / sum(steps)
