"""The number of training steps, and the learning rate of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.sections import TrainSection


def learning_rate(settings: TrainSection, step: int, total: int) -> float:
    """The learning rate of a step (from 0): linear warm-up, then the schedule's decay."""
    return settings.learning_rate * fraction_of_peak(settings, step, total)


def fraction_of_peak(settings: TrainSection, step: int, total: int) -> float:
    """A step's learning rate as a fraction of the peak."""
    rising = round(settings.warmup * total)
    if step < rising:
        return (step + 1) / rising
    fallen = (step - rising) / max(1, total - rising)
    match settings.schedule:
        case "linear":
            return 1 - fallen
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * fallen))
        case "constant":
            return 1.0


def total_steps(settings: TrainSection, examples: int) -> int:
    """The number of optimizer steps of a whole training run."""
    return max(1, round(settings.epochs * math.ceil(examples / settings.batch_size)))
