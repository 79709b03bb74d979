"""The level of each look at a comparison: the whole comparison's, shared out evenly.

By Bonferroni the false alarms of all looks together are at most that many. (Two looks at 0.03 gave up to 7 % in
simulations, at 0.025 up to 5 %; `python -m benchmarks.false_alarms`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.results.verdict_schema import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence


def level_of(looks: Sequence[int]) -> float:
    """The level of one of these looks."""
    return LEVEL / len(looks)
