"""Resamples of a test set, as weights: the bootstrap over examples, or over whole clusters of them.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Examples are drawn with replacement and
the whole metric is recomputed on each draw. For a corpus metric such as entity F1 the mean of per-example scores would
be a different quantity, so metrics are computed on weighted examples: the weight says how often an example was drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

CHUNK_WEIGHTS = 2**22  # weights held at once: 32 MiB


def draws(examples: int, resamples: int, seed: int, clusters: Sequence[object] | None = None) -> Iterator[Array]:
    """Blocks of resamples as weights of shape (block, examples): how often each example was drawn.

    clusters: the name of each example's cluster; examples of a cluster are drawn together. None: examples are drawn one
    by one. The same seed gives the same draws. Each row is one multinomial draw; counting uniform indices is about ten
    times faster than `Generator.multinomial` with as many categories as examples.
    """
    generator = np.random.default_rng(seed)
    codes = None if clusters is None else codes_of(clusters)
    units = examples if codes is None else int(codes.max()) + 1
    block = np.empty((min(resamples, max(1, CHUNK_WEIGHTS // examples)), examples))
    for start in range(0, resamples, len(block)):
        weights = block[: resamples - start]
        for row in weights:
            drawn = np.bincount(generator.integers(units, size=units), minlength=units)
            row[:] = drawn if codes is None else drawn[codes]
        yield weights


def one_at_a_time(examples: int) -> Iterator[Array]:
    """Blocks of weights, (block, examples), each row of which selects a single example."""
    block = max(1, CHUNK_WEIGHTS // examples)
    for start in range(0, examples, block):
        yield np.eye(min(block, examples - start), examples, start)


def codes_of(clusters: Sequence[object]) -> Codes:
    """The number of each example's cluster, (examples,): from 0, in order of first appearance."""
    numbers: dict[object, int] = {}
    return np.asarray([numbers.setdefault(each, len(numbers)) for each in clusters], dtype=np.int64)
