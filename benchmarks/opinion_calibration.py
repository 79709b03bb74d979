"""Whether the monitor's probabilities are calibrated, and whether a temperature would improve them.

    python -m benchmarks.opinion_calibration TRIAL [--headlines FILE] [--examples 2000]

TRIAL is a sentiment model. The temperature with the lowest loss is chosen on the trial's validation texts. Loss (nats
per text) and expected calibration error (15 bins of the more likely label's probability) are measured on its test texts
and on FILE, a JSON list of objects with `title` and `sentiment` (from -1 to 1; 0 is left out). The interval is from
2,000 resamples.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar
from tabulate import tabulate

import pefbench
from pefbench.inference import loading
from pefbench.trial import corpus
from pefbench.trial.saved import read_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench import Model

Array = np.ndarray[Any, np.dtype[np.float64]]
BINS, RESAMPLES, LEAST = 15, 2000, 1e-6


def log_odds(model: Model, texts: Sequence[str], negative: str) -> Array:
    """Each text's log odds of being negative."""
    chances = np.array([each["probabilities"][negative] for each in model.predict(list(texts))])
    chances = chances.clip(LEAST, 1 - LEAST)
    return np.asarray(np.log(chances / (1 - chances)))


def losses(odds: Array, negative: Array, temperature: float = 1.0) -> Array:
    """Each text's loss: minus the logarithm of the probability of the right label."""
    return np.logaddexp(0, np.where(negative > 0, -odds, odds) / temperature)


def calibration_error(odds: Array, negative: Array, temperature: float = 1.0) -> float:
    """Mean over BINS of the difference between the more likely label's probability and how often it is right."""
    sure = 1 / (1 + np.exp(-abs(odds) / temperature))
    right = (odds > 0) == (negative > 0)
    place = np.minimum((sure - 0.5) * 2 * BINS, BINS - 1).astype(int)
    off = [abs(sure[place == each].sum() - right[place == each].sum()) for each in range(BINS)]
    return float(sum(off) / len(odds))


def best(odds: Array, negative: Array) -> float:
    """The temperature with the lowest loss."""
    found: Any = minimize_scalar(
        lambda log: losses(odds, negative, np.exp(log)).mean(), bounds=(-3, 3), method="bounded"
    )
    return float(np.exp(found.x))


def row(name: str, odds: Array, negative: Array, temperature: float) -> tuple[object, ...]:
    """One line of the table."""
    before, after = losses(odds, negative), losses(odds, negative, temperature)
    draw = np.random.default_rng(0)
    means = [draw.choice(after - before, len(before)).mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    errors = (calibration_error(odds, negative, each) for each in (1.0, temperature))
    return (
        *(name, len(odds), f"{((odds > 0) == (negative > 0)).mean():.1%}", f"{negative.mean():.3f}"),
        *(f"{(1 / (1 + np.exp(-odds))).mean():.3f}", f"{before.mean():.4f}", f"{after.mean():.4f}"),
        *(f"{(after - before).mean():+.4f} [{low:+.4f}, {high:+.4f}]", *(f"{each:.3f}" for each in errors)),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", type=Path)
    parser.add_argument("--headlines", type=Path)
    parser.add_argument("--negative", default="negative", help="the model's label of bad news")
    parser.add_argument("--examples", type=int, default=2000, help="texts of each at most")
    parsed = parser.parse_args()
    folder = loading.find(parsed.trial)
    model = pefbench.load(folder)
    splits = corpus.load(loading.recipe_of(folder, read_trial(folder), None), counts_near=False).dataset.splits
    texts, labels = {}, {}
    for name in ("validation", "test"):
        examples = splits[name][: parsed.examples]
        texts[name] = [each.text for each in examples]
        labels[name] = np.array([each.label == parsed.negative for each in examples], float)
    if parsed.headlines:
        rated = [each for each in json.loads(parsed.headlines.read_text(encoding="utf8")) if each["sentiment"]]
        texts["headlines"] = [each["title"] for each in rated[: parsed.examples]]
        labels["headlines"] = np.array([each["sentiment"] < 0 for each in rated[: parsed.examples]], float)
    odds = {name: log_odds(model, each, parsed.negative) for name, each in texts.items()}
    temperature = best(odds["validation"], labels["validation"])
    print(f"temperature by validation: {temperature:.3f}")
    heads = ("", "texts", "right", "negative", "mean probability", "loss", "with it", "difference", "error", "with it")
    print(tabulate([row(name, odds[name], labels[name], temperature) for name in texts], heads, tablefmt="github"))


if __name__ == "__main__":
    main()
