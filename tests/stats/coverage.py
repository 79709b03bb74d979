"""How often a score's interval covers the true score: by simulation, and exactly for proportions.

Test sets are drawn from populations whose score is known: entity F1 where most sentences have no entity, the mean of
scores between 0 and 1 as of ROUGE, answers' F1 that is mostly 0 or 1, macro F1 of six classes of unlike size, accuracy
where questions come in clusters, BLEU, and Matthews' correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, stats

from pefbench.stats.interval import of_proportion, of_score
from pefbench.stats.jackknife import jackknife

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Draw = Callable[[np.random.Generator, int, int, float], Array]
    """Random numbers, test sets, units of each, ability -> counts that add up, (sets, units, counts)."""
    Value = Callable[[Array], Array]

LIMITS = (93.5, 96.5)
SIZES = (50, 250, 1000)
TRUTHS = (0.05, 0.5, 0.91, 0.97)
CLASSES = np.asarray([0.35, 0.25, 0.2, 0.1, 0.06, 0.04])
ORDERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Cell:
    """One line of the table, in percent. naive: what the percentile bootstrap covers."""

    name: str
    truth: float
    units: int
    simulations: int
    covered: float
    marked: float
    naive: float


def entities(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Right, predicted and gold entities of sentences, of which half have none."""
    gold = random.choice([0, 0, 0, 1, 1, 2, 3], size=(sets, units))
    found = stats.norm.cdf(1.5 * (ability + random.standard_normal((sets, units))))
    right = random.binomial(gold, found)
    return np.stack([right, right + random.poisson(0.3 * (1 - found)), gold], axis=-1).astype(np.float64)


def f1(sums: Array) -> Array:
    """F1 of right, predicted and gold."""
    both: Array = 2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1)
    return both


def overlaps(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Scores anywhere between 0 and 1, and one."""
    centre = stats.norm.cdf(ability + 0.5 * random.standard_normal((sets, units)))
    return _with_ones(random.beta(2 * centre + 1e-6, 2 * (1 - centre) + 1e-6))


def answers(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Scores that are 0 or 1 four times of five, and one."""
    mean = stats.norm.cdf(ability)
    whole = random.random((sets, units)) < mean
    part = np.clip(mean + 0.3 * random.standard_normal((sets, units)), 0, 1)
    return _with_ones(np.where(random.random((sets, units)) < 0.8, whole, part))


def clusters(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Right ones and all of clusters of one to ten questions, which err alike."""
    sizes = random.integers(1, 11, size=(sets, units))
    right = random.binomial(sizes, stats.norm.cdf(ability + 0.7 * random.standard_normal((sets, units))))
    return np.stack([right, sizes], axis=-1).astype(np.float64)


def mean(sums: Array) -> Array:
    """The mean of scores."""
    return sums[..., 0] / sums[..., 1]


def labels(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Right, predicted and gold by class."""
    number = len(CLASSES)
    gold = random.choice(number, p=CLASSES, size=(sets, units))
    wrong = (gold + random.integers(1, number, size=(sets, units))) % number
    predicted = np.where(random.random((sets, units)) < stats.norm.cdf(ability), gold, wrong)
    one_hot = np.eye(number)
    return np.concatenate([one_hot[gold] * one_hot[predicted], one_hot[predicted], one_hot[gold]], axis=-1)


def macro_f1(sums: Array) -> Array:
    """The mean of classes' F1."""
    right, predicted, gold = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, len(CLASSES)), -2, 0)
    value: Array = (2 * right / np.maximum(predicted + gold, 1)).mean(axis=-1)
    return value


def texts(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """Right n-grams by order, then all n-grams, of texts of 4 to 29 words."""
    length = random.integers(4, 30, size=(sets, units))
    quality = stats.norm.cdf(ability + 0.5 * random.standard_normal((sets, units)))
    all_of = [np.maximum(length - order + 1, 0) for order in ORDERS]
    right = [random.binomial(length, quality)]
    for number in all_of[1:]:
        right.append(random.binomial(np.minimum(right[-1], number), 0.3 + 0.7 * quality))
    return np.stack([*right, *all_of], axis=-1).astype(np.float64)


def bleu(sums: Array) -> Array:
    """BLEU of texts as long as wanted, from 0 to 1, smoothed as sacreBLEU does."""
    right, total = sums[..., : len(ORDERS)], sums[..., len(ORDERS) :]
    smoothed = np.where(right > 0, right, 0.5 ** np.cumsum(right == 0, axis=-1))
    value: Array = np.where(right.any(axis=-1), np.exp(np.log(smoothed / np.maximum(total, 1)).mean(axis=-1)), 0)
    return value


def two_classes(random: np.random.Generator, sets: int, units: int, ability: float) -> Array:
    """True positives, true negatives, false positives, false negatives."""
    gold = random.random((sets, units)) < 0.3
    predicted = gold == (random.random((sets, units)) < stats.norm.cdf(ability))
    cells = [gold & predicted, ~gold & ~predicted, ~gold & predicted, gold & ~predicted]
    return np.stack(cells, axis=-1).astype(np.float64)


def matthews(sums: Array) -> Array:
    """Matthews' correlation."""
    yes, no, false_yes, false_no = np.moveaxis(sums, -1, 0)
    squared = (yes + false_yes) * (yes + false_no) * (no + false_yes) * (no + false_no)
    value: Array = np.where(squared > 0, (yes * no - false_yes * false_no) / np.sqrt(np.maximum(squared, 1)), 0)
    return value


FAMILIES: dict[str, tuple[Draw, Value, float]] = {
    "entity F1": (entities, f1, 0.0),
    "ROUGE": (overlaps, mean, 0.0),
    "answers' F1": (answers, mean, 0.0),
    "macro F1": (labels, macro_f1, 0.0),
    "accuracy in clusters": (clusters, mean, 0.0),
    "BLEU": (texts, bleu, 0.0),
    "Matthews": (two_classes, matthews, -1.0),
}
"""Name -> how test sets are drawn, the score of summed counts, and its lowest value; the highest is 1."""


def _with_ones(scores: Array) -> Array:
    return np.stack([scores, np.ones_like(scores)], axis=-1).astype(np.float64)


def measure(
    name: str,
    simulations: int,
    sizes: Sequence[int] = SIZES,
    truths: Sequence[float] = TRUTHS,
    resamples: int = 500,
) -> Iterator[Cell]:
    """Yield the lines of one metric. resamples: of the percentile bootstrap; 0: it is left out."""
    draw, value, bottom = FAMILIES[name]
    for wanted in truths:
        ability = _ability(draw, value, wanted)
        random = np.random.default_rng(9)
        truth = float(value(sum(draw(random, 50, 2000, ability).sum(axis=(0, 1)) for _ in range(10))))
        for units in sizes:
            yield _cell(name, draw(random, simulations, units, ability), value, truth, bottom, resamples)


def proportions() -> Iterator[Cell]:
    """Yield the exact coverage of Wilson's interval, for accuracy and other proportions."""
    for truth in TRUTHS:
        for units in SIZES:
            counts = np.arange(units + 1)
            found = [of_proportion(int(right), units) for right in counts]
            chances = stats.binom.pmf(counts, units, truth)
            covered = [(each.low or 0.0) <= truth <= (each.high or 1.0) for each in found]
            naive = [stats.binom.ppf(tail, units, counts / units) / units for tail in (0.025, 0.975)]
            hit = (naive[0] <= truth + 1e-12) & (truth - 1e-12 <= naive[1])
            yield Cell("accuracy", truth, units, 0, 100 * chances[covered].sum(), 0.0, 100 * float(chances[hit].sum()))


def _ability(draw: Draw, value: Value, wanted: float) -> float:
    def beyond(ability: float) -> float:
        return float(value(draw(np.random.default_rng(5), 40, 2000, ability).sum(axis=(0, 1)))) - wanted

    return float(optimize.brentq(beyond, -5, 5, xtol=1e-3))


def _cell(name: str, sets: Array, value: Value, truth: float, bottom: float, resamples: int) -> Cell:
    simulations, units = sets.shape[:2]
    drawn = np.random.default_rng(3).multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)
    covered = marked = naive = 0
    for counts in sets:
        spread = jackknife(lambda weights, counts=counts: {"": value(weights @ counts)}, range(units))[""]  # type: ignore[misc]
        found = of_score(float(value(counts.sum(axis=0))), spread, (bottom, 1.0))
        covered += (found.low or 0.0) <= truth <= (found.high or 1.0)
        marked += not found.reliable
        if resamples:
            low, high = np.quantile(value(drawn @ counts), [0.025, 0.975])
            naive += low <= truth <= high
    rates = (100 * number / simulations for number in (covered, marked, naive))
    return Cell(name, truth, units, simulations, *rates)
