"""False alarms of the monitor on quiet days and its delay in detecting a surge, compared with other detectors.

    python -m benchmarks.opinion_alarms [--trial TRIAL --headlines FILE] [--streams 400]

Streams are drawn from headlines with known sentiment and the probabilities that a trained model gives them. FILE is a
JSON list of objects with `title` and `sentiment` (from -1 to 1), such as SemEval-2017's task 5. Without it, equally
uncertain probabilities are simulated. Each stream has a quiet history, on which every detector is calibrated to the
same rate, followed by either 1,000 quiet days or a surge: the share of negative headlines rises by one, two or three
times its usual daily spread. River's detectors need `pip install river`.
"""

from __future__ import annotations

import argparse
import bisect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tabulate import tabulate

from pefbench.apps.monitor import detect
from pefbench.apps.monitor.store import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = np.ndarray[Any, np.dtype[np.float64]]
Random = np.random.Generator

QUIET, DAYS, SURGE, WITHIN = 60, 1000, 30, 14
"""Quiet days of history, days without a surge, days of a surge, days within which it should be found."""
RATE = 1 / 1000
"""False alarms per day that each detector is calibrated to."""
SERIES = 20
RESAMPLES, BLOCK = 100, 5


@dataclass(frozen=True)
class Pool:
    """The model's probabilities for negative headlines, and for the others."""

    negative: Array
    others: Array


@dataclass(frozen=True)
class World:
    """The properties of days.

    mean: headlines per day. spread: of the logarithm of their number. level: spread of the log odds between better and
    worse days. memory: correlation of these from day to day.
    """

    mean: float = 20.0
    spread: float = 0.0
    level: float = 0.0
    memory: float = 0.0


WORLDS = {
    "20 headlines a day": World(),
    "their number varies": World(spread=0.7),
    "3 a day": World(mean=3.0),
    "better and worse days": World(level=0.5),
    "days like the day before": World(level=0.7, memory=0.3),
    "days much like the day before": World(level=1.0, memory=0.5),
}


@dataclass(frozen=True)
class Days:
    """The days of streams, (streams, days): headlines, sums of their probabilities, and sums of squares."""

    items: Array
    negative: Array
    squares: Array

    def counts(self, stream: int) -> list[Count]:
        """One stream as the monitor counts it."""
        rows = zip(self.items[stream], self.negative[stream], self.squares[stream], strict=True)
        return [
            Count(day, int(items), 0, float(negative), float(squares))
            for day, (items, negative, squares) in enumerate(rows)
        ]


def draw(pool: Pool, world: World, streams: int, days: int, random: Random, rise: float = 0.0, begins: int = 0) -> Days:
    """Streams of days. rise: of the share of truly negative headlines, from day `begins` on."""
    levels = random.standard_normal((streams, days))
    for day in range(1, days):
        levels[:, day] = world.memory * levels[:, day - 1] + np.sqrt(1 - world.memory**2) * levels[:, day]
    base = len(pool.negative) / (len(pool.negative) + len(pool.others))
    part = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + world.level * levels)))
    part[:, begins:] = np.minimum(part[:, begins:] + rise, 1.0)
    volume = world.mean * np.exp(world.spread * random.standard_normal((streams, days)) - world.spread**2 / 2)
    items = np.maximum(random.poisson(volume), 1)
    negative, squares = np.zeros((streams, days)), np.zeros((streams, days))
    for first in range(0, streams, 50):  # in parts, to limit memory
        shown = items[first : first + 50]
        each = np.arange(shown.max()) < shown[..., None]
        bad = random.random(each.shape) < part[first : first + 50, :, None]
        chances = np.where(bad, random.choice(pool.negative, each.shape), random.choice(pool.others, each.shape)) * each
        negative[first : first + 50], squares[first : first + 50] = chances.sum(-1), (chances**2).sum(-1)
    return Days(items.astype(float), negative, squares)


@dataclass(frozen=True)
class Found:
    """For each stream: its alarms, and the days until the first one; the number of days plus 1 if there is none."""

    alarms: Array
    first: Array


def scores_of(days: Days) -> tuple[list[detect.Quiet], Array]:
    """The baseline from each stream's history, and each day's excess over it in units of its spread."""
    quiet = [detect.Quiet.of(days.counts(stream)[:QUIET]) for stream in range(len(days.items))]
    share, within, between = (
        np.array([[getattr(each, name)] for each in quiet]) for name in ("share", "within", "between")
    )
    excess = (days.negative - days.items * share) / np.sqrt(days.items * within + days.items**2 * between)
    return quiet, excess


def normal_scores(days: Days, random: Random, rate: float) -> Found:
    """The monitor's own detector."""
    del random
    quiet, excess = scores_of(days)
    alarms, first = np.zeros(len(quiet)), np.full(len(quiet), excess.shape[1] - QUIET + 1.0)
    for stream, each in enumerate(quiet):
        values, limit = each.news(excess[stream, 1:], excess[stream, :-1]), detect.threshold(rate, each.spread)
        earlier, state = sorted(values[: QUIET - 1].tolist()), detect.State(QUIET - 1)
        for day, value in enumerate(values[QUIET - 1 :].tolist(), QUIET):
            state, alarm = detect.step(state, day, detect.normal_score(earlier, value), limit)
            if alarm:
                alarms[stream] += 1
                first[stream] = min(first[stream], day - QUIET + 1)
            if not state.surging:
                bisect.insort(earlier, value)
    return Found(alarms, first)


def cusum(scores: Array, limit: Array | float) -> Found:
    """Page's CUSUM of scores, (streams, days), with the monitor's rule for the end of a surge."""
    statistic, surging = np.zeros(len(scores)), np.zeros(len(scores), bool)
    alarms, first = np.zeros(len(scores)), np.full(len(scores), scores.shape[1] + 1.0)
    for day in range(scores.shape[1]):
        statistic = np.maximum(
            np.minimum(statistic, np.where(surging, limit, np.inf)) + scores[:, day] - detect.ALLOWANCE, 0
        )
        new = (statistic >= limit) & ~surging
        alarms += new
        first = np.where(new, np.minimum(first, day + 1), first)
        surging = (surging | new) & (statistic > 0)
    return Found(alarms, first)


def standardised(scores: Array) -> Array:
    """The scores after the history, standardised by the history's mean and spread."""
    history = scores[:, :QUIET]
    found: Array = (scores[:, QUIET:] - history.mean(1, keepdims=True)) / history.std(1, ddof=1, keepdims=True)
    return found


def textbook(days: Days, random: Random, rate: float) -> Found:
    """CUSUM with k = .5 and h = 5, whatever the rate."""
    del random, rate
    return cusum(standardised(scores_of(days)[1]), 5.0)


def bootstrapped(days: Days, random: Random, rate: float, *, unsure: bool = False) -> Found:
    """CUSUM whose limit gives the rate on blocks of the history. unsure: re-estimate mean and spread in each block."""
    _, excess = scores_of(days)
    limits = np.concatenate(
        [
            _limits(excess[first : first + 50, :QUIET], random, rate, unsure=unsure)
            for first in range(0, len(excess), 50)
        ]
    )
    return cusum(standardised(excess), limits)


def _limits(histories: Array, random: Random, rate: float, *, unsure: bool) -> Array:
    """Each stream's limit, by bisection over the false alarms on blocks of its history."""
    streams = np.arange(len(histories))[:, None, None]

    def blocks(length: int) -> Array:
        starts = random.integers(0, QUIET, (len(histories), RESAMPLES, -(-length // BLOCK), 1))
        days = ((starts + np.arange(BLOCK)) % QUIET).reshape(len(histories), RESAMPLES, -1)[..., :length]
        found: Array = histories[streams, days]
        return found

    known = blocks(QUIET) if unsure else histories[:, None]
    later = (blocks(int(1 / rate)) - known.mean(2, keepdims=True)) / known.std(2, ddof=1, keepdims=True)
    low, high = np.full(len(histories), 1.0), np.full(len(histories), 30.0)
    for _ in range(8):
        middle = (low + high) / 2
        alarms = cusum(later.reshape(-1, later.shape[2]), np.repeat(middle, RESAMPLES)).alarms
        often = alarms.reshape(later.shape[:2]).mean(1) / later.shape[2] > rate
        low, high = np.where(often, middle, low), np.where(often, high, middle)
    return high


def e_detector(days: Days, random: Random, rate: float) -> Found:
    """The Shiryaev-Roberts sum of bets on the normal scores, with threshold 1 / rate, valid for any distribution.

    Shin, Ramdas and Rinaldo 2022, E-detectors. It restarts after an alarm.
    """
    del random
    quiet, excess = scores_of(days)
    memory = np.array([[each.memory] for each in quiet])
    values = excess[:, 1:] - memory * excess[:, :-1]
    bets = np.array([0.5, 1.0, 2.0])
    sums = np.zeros((len(values), len(bets)))
    alarms, first = np.zeros(len(values)), np.full(len(values), values.shape[1] - QUIET + 2.0)
    from scipy.special import ndtri

    for day in range(QUIET - 1, values.shape[1]):
        below = (values[:, :day] < values[:, [day]]).sum(1)
        score = ndtri((below + 0.5) / (day + 1))
        sums = (sums + 1) * np.exp(bets * score[:, None] - bets**2 / 2)
        new = sums.mean(1) >= 1 / rate
        alarms += new
        first = np.where(new, np.minimum(first, day - QUIET + 2), first)
        sums[new] = 0
    return Found(alarms, first)


def of_river(days: Days, make: Callable[[], Any], *, excess: bool) -> Found:
    """A detector of river, which sees the history first. excess: its input is the excess, otherwise the share."""
    values = scores_of(days)[1] if excess else days.negative / days.items
    alarms, first = np.zeros(len(values)), np.full(len(values), values.shape[1] - QUIET + 1.0)
    for stream, given in enumerate(values.tolist()):
        detector = make()
        for day, value in enumerate(given, 1 - QUIET):
            detector.update(value)
            if detector.drift_detected and day > 0:
                alarms[stream] += 1
                first[stream] = min(first[stream], day)
    return Found(alarms, first)


def detectors() -> Mapping[str, Callable[[Days, Random, float], Found]]:
    """All detectors, by name."""
    found: dict[str, Callable[[Days, Random, float], Found]] = {
        "CUSUM of sequential normal scores (the monitor's)": normal_scores,
        "CUSUM, bootstrapped": bootstrapped,
        "CUSUM, bootstrapped, baseline unsure": lambda *given: bootstrapped(*given, unsure=True),
        "e-detector": e_detector,
        "CUSUM, k = .5, h = 5": textbook,
    }
    try:
        from river import drift
    except ImportError:
        return found
    # Its threshold is on the scale of a CUSUM of the excess, so it can be set in the same way.
    found["river PageHinkley, set as a CUSUM"] = lambda days, _random, rate: of_river(
        days,
        lambda: drift.PageHinkley(delta=detect.ALLOWANCE, threshold=detect.threshold(rate), mode="up"),
        excess=True,
    )
    found["river PageHinkley"] = lambda days, *_: of_river(days, lambda: drift.PageHinkley(mode="up"), excess=False)
    found["river ADWIN"] = lambda days, *_: of_river(days, drift.ADWIN, excess=False)
    return found


def rise(pool: Pool, world: World, spreads: float, random: Random) -> float:
    """The rise in truly negative headlines that raises a day's measured share by `spreads` spreads."""
    usual = draw(pool, world, 50, 400, random)
    shares = usual.negative / usual.items
    return float(spreads * shares.std() / (pool.negative.mean() - pool.others.mean()))


def of_trial(trial: Path, headlines: Path) -> Pool:
    """A model's probabilities of real headlines."""
    import pefbench

    rows = json.loads(headlines.read_text(encoding="utf8"))
    said = pefbench.load(trial).predict([row["title"] for row in rows])
    chances = np.array([each["probabilities"]["negative"] for each in said])
    negative = np.array([row["sentiment"] < -0.1 for row in rows])
    return Pool(chances[negative], chances[~negative])


def drawn(random: Random) -> Pool:
    """Simulated probabilities, about as uncertain as a model's."""
    return Pool(random.beta(2.0, 0.7, 500), random.beta(0.7, 1.2, 900))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trial", type=Path)
    parser.add_argument("--headlines", type=Path)
    parser.add_argument("--streams", type=int, default=400)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    pool = of_trial(given.trial, given.headlines) if given.trial else drawn(random)
    print(
        f"{given.streams:,} streams of {QUIET} quiet days and {DAYS:,} more; calibrated to {1000 * RATE:g} in 1,000\n"
    )
    for name, world in WORLDS.items():
        quiet = draw(pool, world, given.streams, QUIET + DAYS, random)
        surges = [
            draw(pool, world, given.streams, QUIET + SURGE, random, rise(pool, world, spreads, random), QUIET)
            for spreads in (1, 2, 3)
        ]
        rows = []
        for detector, find in detectors().items():
            alarms = 1000 * find(quiet, random, RATE).alarms / DAYS
            found = [find(surge, random, RATE).first for surge in surges]
            rows.append([detector, _rate(alarms), *(_found(first) for first in found)])
        print(f"{name}\n")
        print(
            tabulate(rows, ["", "false alarms", "1 spread", "2 spreads", "3 spreads"], disable_numparse=True),
            "\n",
            flush=True,
        )
        if name == next(iter(WORLDS)):
            _over_all(pool, world, given.streams, random)


def _over_all(pool: Pool, world: World, streams: int, random: Random) -> None:
    """Print the monitor's results on many series at once."""
    rate = RATE / SERIES
    quiet = draw(pool, world, streams * 4, QUIET + DAYS, random)
    alarms = 1000 * SERIES * normal_scores(quiet, random, rate).alarms / DAYS
    cells = []
    for spreads in (1, 2, 3):
        surge = draw(pool, world, streams, QUIET + SURGE, random, rise(pool, world, spreads, random), QUIET)
        cells.append(_found(normal_scores(surge, random, rate).first))
    print(f"The monitor, {SERIES} series: {_rate(alarms)} false alarms in 1,000 days over all; {'; '.join(cells)}\n")


def _rate(alarms: Array) -> str:
    """The mean over streams, with its standard error."""
    return f"{alarms.mean():.2f} +- {alarms.std(ddof=1) / len(alarms) ** 0.5:.2f}"


def _found(first: Array) -> str:
    middle = np.median(first)
    return f"{f'{middle:.0f}' if middle <= SURGE else f'> {SURGE}'} days, {100 * np.mean(first <= WITHIN):.0f} %"


if __name__ == "__main__":
    main()
