"""The significance level of each look: the level of the whole comparison, divided evenly (Bonferroni).

This bounds the rate of false alarms over all looks by the level of the comparison. (In simulations two looks at 0.03
gave up to 7 %, two at 0.025 up to 5 %: `python -m benchmarks.false_alarms`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.results.verdict_schema import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence


def level_of(looks: Sequence[int]) -> float:
    """The level of a single look."""
    return LEVEL / len(looks)
