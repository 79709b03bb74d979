"""The range of a metric's values, by name; intervals must stay within it."""

from __future__ import annotations

from math import inf

FRACTION = (0.0, 1.0)
RANGES = {
    "augmentation_gain": (-1.0, 1.0),
    "bleu": (0.0, 100.0),
    "bleu_lowercase": (0.0, 100.0),
    "chrf": (0.0, 100.0),
    "cider": (0.0, 10.0),
    "loss": (0.0, inf),
    "matthews": (-1.0, 1.0),
    "nist": (0.0, inf),
    "pearson": (-1.0, 1.0),
    "perplexity": (0.0, inf),
    "quadratic_kappa": (-1.0, 1.0),
    "spearman": (-1.0, 1.0),
}
"""Metrics that are not fractions."""
FAR_BELOW = frozenset({"cider"})
"""Metrics whose values stay far below the largest: that of CIDEr needs texts equal to all their references."""


def range_of(name: str, value: float) -> tuple[float, float]:
    """The range of a metric. A metric not listed here is a fraction, unless its value shows that it is not."""
    low, high = RANGES.get(name, FRACTION)
    return (low, high) if low <= value <= high else (-inf, inf)


def within(ends: tuple[float, float], name: str, value: float) -> tuple[float, float]:
    """An interval of a metric's value, cut off at the ends of its range."""
    low, high = range_of(name, value)
    return max(low, ends[0]), min(high, ends[1])


def margin_of_all(margin: float, name: str, value: float) -> str | None:
    """What is wrong with a margin that no two values of a metric could differ by; None for any other."""
    low, high = range_of(name, value)
    if margin < high - low:
        return None
    return (
        f"margin: {margin:g} is as wide as the whole range of {name}, within which all methods are equivalent; left "
        f"out, it is {default_margin(name, value):g}"
    )


def default_margin(name: str, value: float) -> float:
    """The default for a difference that does not matter: a hundredth of the metric's largest value.

    For a fraction that is 0.01, for BLEU one point. Without a largest value that is ever reached, as for perplexity and
    CIDEr, a hundredth of `value`.
    """
    high = range_of(name, value)[1]
    return 0.01 * (abs(value) if high == inf or name in FAR_BELOW else high)
