"""Confidence intervals of a score over a test set: the percentile bootstrap over examples.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Examples are drawn with replacement and
the whole metric is computed anew on each draw. For a corpus metric such as entity F1 the mean of per-example scores
would be another quantity, so a metric is computed on weighted examples: a weight says how often one was drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_CHUNK_WEIGHTS = 2**22  # weights held at once: 32 MiB


def bootstrap(
    examples: int,
    statistic: Callable[[Array], Mapping[str, Array]],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the interval (low, high) of each value that `statistic` computes.

    `statistic` takes weights of shape (resamples, examples) and returns values of shape (resamples,) by name. The same
    seed gives the same intervals.
    Raises ValueError when there are no examples or no resamples, or `confidence` is not between 0 and 1.
    """
    if examples < 1 or resamples < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"examples ({examples}) and resamples ({resamples}) must be positive and confidence ({confidence}) "
            "between 0 and 1"
        )
    blocks = [statistic(weights) for weights in draws(examples, resamples, seed)]
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    return {name: _ends(np.quantile(np.concatenate([block[name] for block in blocks]), tails)) for name in blocks[0]}


def draws(examples: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield blocks of resamples as weights of shape (block, examples): how often each example was drawn.

    Each row is one multinomial draw. Counting uniform indices is some ten times faster than `Generator.multinomial`
    with as many categories as examples.
    """
    generator = np.random.default_rng(seed)
    block = np.empty((min(resamples, max(1, _CHUNK_WEIGHTS // examples)), examples))
    for start in range(0, resamples, len(block)):
        weights = block[: resamples - start]
        for row in weights:
            row[:] = np.bincount(generator.integers(examples, size=examples), minlength=examples)
        yield weights


def one_at_a_time(examples: int) -> Iterator[Array]:
    """Yield blocks of weights, (block, examples), under which each example in turn counts alone."""
    block = max(1, _CHUNK_WEIGHTS // examples)
    for start in range(0, examples, block):
        yield np.eye(min(block, examples - start), examples, start)


def _ends(quantiles: Array) -> tuple[float, float]:
    low, high = quantiles.tolist()
    return low, high
