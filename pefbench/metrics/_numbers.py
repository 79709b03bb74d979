"""Predicted and true numbers, and the sums from which correlation and agreement are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from datasets import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

NUMBER = Value("float64")


def numbers(predictions: Sequence[float], references: Sequence[float]) -> tuple[Array, Array]:
    """Both as arrays of shape (examples,). Raises ValueError if lengths differ or a number is not finite."""
    predicted, gold = (np.asarray(list(values), dtype=np.float64) for values in (predictions, references))
    if len(predicted) != len(gold):
        raise ValueError(f"{len(predicted)} predictions for {len(gold)} references")
    for name, values in (("prediction", predicted), ("reference", gold)):
        if not (finite := np.isfinite(values)).all():
            number = int(np.argmin(finite))
            raise ValueError(f"{name} {number} is {values[number]}, not a finite number")
    return predicted, gold


def products(x: Array, y: Array) -> Array:
    """1, x, y, xx, yy and xy of each example, whose sums give all second moments: (examples, 6)."""
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
