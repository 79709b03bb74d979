"""The validation score to expect of the best of n tuning trials, for n from 1 to all of them.

Dodge et al., "Show Your Work: Improved Reporting of Experimental Results" (2019), section 3. The trials that were run
stand for the settings that might have been drawn: the best of n draws from them, with replacement, is at most the
i-th smallest score with probability (i / N)^n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def expected_best(scores: Sequence[float], *, higher_is_better: bool = True) -> list[float]:
    """Return the expected best score of 1, 2, ... and of as many trials as there are scores.

    A trial that failed counts as the worst score that any trial had: pass it so. Raises ValueError without scores.
    """
    if not scores:
        raise ValueError("there are no scores")
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    ordered = ordered if higher_is_better else ordered[::-1]
    reached = np.arange(len(scores) + 1) / len(scores)
    return [float(ordered @ np.diff(reached**draws)) for draws in range(1, len(scores) + 1)]
