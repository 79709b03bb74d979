"""How tables write names, durations and scores."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.results.schema import MetricValue


def short_model(name: str) -> str:
    """A model's short name: ``wheel:gt-x==0.1!a/b`` is gt-x, ``hf:owner/bert`` is bert, ``file:a/b`` is b.

    For an encoder-decoder, the models that it is warm-started from follow that word.
    """
    scheme, separator, rest = name.partition(":")
    if scheme == "warm-started":
        return f"{scheme} {short_model(rest)}"
    if scheme == "wheel":
        return rest.partition("!")[0].partition("==")[0]
    return PurePosixPath(rest if separator else name).name or name


def readable_seconds(seconds: float) -> str:
    """A duration: ``0.35 s``, ``48 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


UNRELIABLE = "?"
"""Follows an interval that may be too short."""
UNRELIABLE_MEANS = f"{UNRELIABLE}: the interval may be too short, as few test examples decide the value"


def scored(metric: MetricValue) -> str:
    """A metric's value with its interval, see `interval`."""
    return interval(metric["value"], metric["low"], metric["high"], reliable=metric.get("reliable", True))


def interval(value: float, low: float | None, high: float | None, *, reliable: bool = True) -> str:
    """A value with its 95 % interval: ``0.512 [0.480, 0.543]``, or only the value when there is none.

    One that may be too short is marked: ``0.041 [0.009, 0.170]?``.
    """
    places = digits(value)
    if low is None or high is None:
        return f"{value:.{places}f}"
    return f"{value:.{places}f} [{low:.{places}f}, {high:.{places}f}]{'' if reliable else UNRELIABLE}"


def digits(value: float) -> int:
    """The number of decimals to show for a score: three for fractions, one for larger values (BLEU, perplexity)."""
    return 3 if abs(value) < 10 else 1
