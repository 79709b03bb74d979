"""The confidence interval of a proportion: Wilson's score interval.

Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927): the true proportions that a test
with the normal approximation would not reject. It lies within [0, 1], and its width is positive even if all examples
are right or all are wrong, when every bootstrap resample gives the same value.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson(right: float, examples: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a proportion. examples: their number, or an effective number, which may be fractional.

    Raises ValueError unless 0 <= right <= examples and examples > 0.
    """
    if not 0 <= right <= examples or examples <= 0:
        raise ValueError(f"{right} of {examples} is not a proportion")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / examples
    shrunk = (share + z**2 / (2 * examples)) / (1 + z**2 / examples)
    reach = z / (1 + z**2 / examples) * sqrt(share * (1 - share) / examples + z**2 / (4 * examples**2))
    # At 0 and 1 that end is set exactly; rounding could put the proportion itself outside.
    return (0.0 if right == 0 else max(0.0, shrunk - reach)), (1.0 if right == examples else min(1.0, shrunk + reach))
