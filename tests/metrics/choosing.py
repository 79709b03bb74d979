"""Answers of the choice head, for tests of its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def choices(scores: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return predictions with these scores of the candidates; the first of the best is chosen."""
    return [{"choice": int(np.argmax(each)), "scores": [float(score) for score in each]} for each in scores]
