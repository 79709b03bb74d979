"""Simulated methods on simulated examples, and how often `pick` names one of them."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.analysis.pick import Limits, pick
from pefbench.results.store import Stored
from pefbench.stats.wilson import wilson
from tests.sample_results import sample
from tests.stats.families import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS, WITHIN = 18, 0.95


def named(full: float, share: float, examples: int, seeds: int, simulations: int) -> tuple[float, float]:
    """How often a method other than full fine-tuning is named by `pick`, and by its score on test alone."""
    by_pick = by_test = 0
    for validation, test in _scores(full, share, examples, seeds, simulations):
        (answer,) = pick(_results(validation, test, examples), Limits(within=WITHIN))
        by_pick += answer.named is not None and answer.named.method != "full"
        means = test.mean(axis=1)
        by_test += bool((means[1:] >= WITHIN * means[0]).any())
    return by_pick / simulations, by_test / simulations


def _scores(full: float, share: float, examples: int, seeds: int, simulations: int) -> Iterator[tuple[Any, Any]]:
    """Accuracies on validation and on test, full fine-tuning's first: (methods, seeds) each. A seed's run is one."""
    at = NormalDist().inv_cdf
    levels = (at(full), *[at(full * share)] * METHODS)
    truth = Truth(seeds, 2 * examples, levels, (0.05,) * len(levels))
    random = np.random.default_rng(0)
    for _ in range(simulations):
        right = truth.outcomes(random, 1)[0][0]
        yield right[..., :examples].mean(axis=-1), right[..., examples:].mean(axis=-1)


def _results(validation: Any, test: Any, examples: int) -> list[Stored]:
    return [
        _result(number, seed, float(validation[number, seed]), float(test[number, seed]), examples)
        for number in range(len(test))
        for seed in range(test.shape[1])
    ]


def _result(number: int, seed: int, validation: float, test: float, examples: int) -> Stored:
    method = "lora" if number else "full"
    changes: dict[str, Any] = {"model.trainable_parameters": number or 10**6}
    for split, value in (("validation", validation), ("test", test)):
        low, high = wilson(value * examples, examples)
        ends = {"value": value, "low": low, "high": high, "examples": examples}
        changes |= {f"metrics.{split}.entity_f1.{name}": each for name, each in ends.items()}
    result = sample(f"{method}{number}", method, seed=seed, changes=changes)
    return Stored(Path(f"{result['id']}.json"), result)
