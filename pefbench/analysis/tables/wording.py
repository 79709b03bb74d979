"""How a table spells names, durations and scores."""

from __future__ import annotations

from pathlib import PurePosixPath


def short_model(name: str) -> str:
    """Return the name people use: ``wheel:gt-x==0.1!a/b`` is gt-x, ``hf:owner/bert`` is bert, ``file:a/b`` is b.

    What an encoder-decoder is warm-started from is named after that word.
    """
    scheme, separator, rest = name.partition(":")
    if scheme == "warm-started":
        return f"{scheme} {short_model(rest)}"
    if scheme == "wheel":
        return rest.partition("!")[0].partition("==")[0]
    return PurePosixPath(rest if separator else name).name or name


def readable_seconds(seconds: float) -> str:
    """Return a duration: ``0.35 s``, ``48 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def interval(value: float, low: float | None, high: float | None) -> str:
    """Return a value with its 95 % interval: ``0.512 [0.480, 0.543]``, or only the value when there is none."""
    places = digits(value)
    if low is None or high is None:
        return f"{value:.{places}f}"
    return f"{value:.{places}f} [{low:.{places}f}, {high:.{places}f}]"


def digits(value: float) -> int:
    """Return how many decimals a score has: fractions need three; BLEU and perplexity, which are larger, one."""
    return 3 if abs(value) < 10 else 1
