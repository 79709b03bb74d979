"""Trials of one setting with several seeds, taken together: their mean, and its interval."""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench.analysis.tables.groups import group_of, headline, is_of_unknown_method
from pefbench.analysis.tables.rows import differences
from pefbench.analysis.tables.wording import interval
from pefbench.results.ranges import range_of
from pefbench.results.store import deciding
from pefbench.stats.student_t import NORMAL_95, critical_95

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.results.schema import Result, TrainPhase
    from pefbench.results.store import Stored


@dataclass(frozen=True)
class Replicates:
    """The finished trials of one setting, which differ in their seed alone."""

    trials: list[Stored]
    differs: str = field(default="")
    """The overrides in which it differs from other settings of its recipe; empty where there is one setting."""

    @property
    def first(self) -> Result:
        """One of the results, for what all have in common."""
        return self.trials[0].result

    @property
    def name(self) -> str:
        """The recipe's name, and the setting where the recipe has several."""
        return f"{self.first['recipe']['name']} {self.differs}".rstrip()

    @property
    def recipe(self) -> str:
        """The recipe's name and the method's, which all its settings share."""
        return f"{self.first['recipe']['name']} {self.method}"

    @property
    def score(self) -> str:
        """The headline metric with its interval, for people."""
        seeds = f" (mean of {len(self.trials)} seeds)" if len(self.trials) > 1 else ""
        return f"{self.first['headline']} {interval(self.value, self.low, self.high, reliable=self.reliable)}{seeds}"

    @property
    def method(self) -> str:
        """The method's name; where an imported run does not say, the run's, so that no two runs pass for one method."""
        recipe = self.first["recipe"]
        return str(recipe["name"] if is_of_unknown_method(self.first) else recipe["method"]["name"])

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is."""
        return 1 if headline(self.first)["higher_is_better"] else -1

    @property
    def value(self) -> float:
        """The headline metric on test: the mean over seeds."""
        return statistics.fmean(self._values())

    @property
    def spread(self) -> float:
        """The standard deviation over seeds; 0 with one seed, which tells nothing of it."""
        return statistics.stdev(self._values()) if len(self.trials) > 1 else 0.0

    @property
    def low(self) -> float | None:
        """The lower end of the 95 % interval, or None where there is none."""
        return self._end(-1)

    @property
    def high(self) -> float | None:
        """The upper end of the 95 % interval, or None where there is none."""
        return self._end(1)

    @property
    def reliable(self) -> bool:
        """Whether enough test examples decide each trial's value for the interval to hold."""
        return all(headline(each.result).get("reliable", True) for each in self.trials)

    @property
    def validation(self) -> float | None:
        """The headline metric on validation, by which settings are selected: the mean over seeds."""
        found = [
            metrics[each.result["headline"]]["value"]
            for each in self.trials
            if each.result["headline"] in (metrics := each.result["metrics"].get("validation", {}))
        ]
        return statistics.fmean(found) if found else None

    @property
    def validation_error(self) -> float:
        """The standard error of `validation`, over examples and seeds; 0 where nothing is known of it.

        Without scores on validation, that of the score on test.
        """
        name = self.first["headline"]
        found = [
            metrics[name] for each in self.trials if name in (metrics := each.result["metrics"].get("validation", {}))
        ]
        if not found:
            return 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2 / NORMAL_95
        reaches = [
            (each["high"] - each["low"]) / 2 for each in found if each["low"] is not None and each["high"] is not None
        ]
        over_examples = statistics.fmean(reaches) if reaches else 0.0
        spread = statistics.stdev(each["value"] for each in found) if len(found) > 1 else 0.0
        over_seeds = critical_95(len(found) - 1) * spread / math.sqrt(max(1, len(found)))
        return math.hypot(over_examples, over_seeds) / NORMAL_95

    @property
    def trained(self) -> int | None:
        """The number of trained weights; None where it is not known, as of some imported runs."""
        return self.first["model"].get("trainable_parameters")

    @property
    def trained_percent(self) -> float | None:
        """The trained weights in percent of the model's; None where they are not known."""
        return self.first["model"].get("trainable_percent")

    @property
    def adapter_bytes(self) -> int | None:
        """The size of the saved weights, the largest over seeds; None where it is not known."""
        sizes = [each.result["model"]["adapter_bytes"] for each in self.trials]
        return max((size for size in sizes if size is not None), default=None)

    @property
    def seconds(self) -> float | None:
        """The duration of training: the mean over seeds; None where it is not known."""
        phases = self._training()
        return statistics.fmean(each["seconds"] for each in phases) if phases else None

    @property
    def memory_bytes(self) -> int | None:
        """The peak memory of training, the highest over seeds; None where it is not known."""
        return max((each["peak_memory_bytes"] for each in self._training()), default=0) or None

    def overlaps(self, other: Replicates) -> bool:
        """Whether the intervals overlap: then neither is shown to be better. Without intervals they do."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return True
        return self.low <= other.high and other.low <= self.high

    def _training(self) -> list[TrainPhase]:
        return [each.result["phases"]["train"] for each in self.trials if "train" in each.result["phases"]]

    def _values(self) -> list[float]:
        return [headline(each.result)["value"] for each in self.trials]

    def _end(self, direction: int) -> float | None:
        """An end of the interval over test examples and seeds.

        The trials' own intervals are over test examples, which all seeds share, so their mean is no narrower with more
        seeds. The spread over seeds is added as variances add. (The interaction of examples and seeds is in both, so
        the interval is rather too wide than too narrow.)
        """
        metrics = [headline(each.result) for each in self.trials]
        ends = [(metric["low"] if direction < 0 else metric["high"], metric["value"]) for metric in metrics]
        reaches = [abs(end - value) for end, value in ends if end is not None]
        if len(reaches) < len(ends):
            return None
        over_seeds = critical_95(len(ends) - 1) * self.spread / math.sqrt(len(ends))
        end = self.value + direction * math.hypot(statistics.fmean(reaches), over_seeds)
        lowest, highest = range_of(self.first["headline"], self.value)
        return min(max(end, lowest), highest)


def replicates_by_group(results: Iterable[Stored]) -> dict[tuple[str, ...], list[Replicates]]:
    """The finished trials by group (see `groups.group_of`), sorted; in each group the best setting first."""
    trials: dict[tuple[str, ...], dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for stored in results:
        if stored.result["status"] == "finished":
            trials[group_of(stored.result)][json.dumps(without_seed(stored.result["recipe"]), sort_keys=True)].append(
                stored
            )
    return {group: _named(list(trials[group].values())) for group in sorted(trials)}


def best_on_validation(settings: Sequence[Replicates]) -> Replicates:
    """The setting that is best on validation: selecting one on test would flatter it."""

    def on_validation(each: Replicates) -> float:
        return each.sign * (each.value if each.validation is None else each.validation)

    return max(settings, key=on_validation)


def one_per_method(settings: Sequence[Replicates]) -> list[Replicates]:
    """Each method's setting that is best on validation, in the given order."""
    methods: dict[str, list[Replicates]] = defaultdict(list)
    for each in settings:
        methods[each.method].append(each)
    chosen = [best_on_validation(several) for several in methods.values()]
    return [each for each in settings if each in chosen]


def without_seed(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """What decides a resolved recipe's numbers, but for its seed.

    Its name is kept: a comparison may have the same setting twice.
    """
    recipe = deciding(recipe)
    return {**recipe, "train": {name: value for name, value in recipe["train"].items() if name != "seed"}}


def _named(members: Sequence[list[Stored]]) -> list[Replicates]:
    alike: dict[tuple[str, str], list[list[Stored]]] = defaultdict(list)
    for trials in members:
        recipe = trials[0].result["recipe"]
        alike[recipe["name"], recipe["method"]["name"]].append(sorted(trials, key=_seed))
    found = [
        Replicates(trials, differs)
        for several in alike.values()
        for trials, differs in zip(several, _differences(several), strict=True)
    ]
    return sorted(found, key=lambda each: (-each.sign * each.value, each.name))


def _differences(several: Sequence[list[Stored]]) -> list[str]:
    return differences([trials[0].result["recipe"] for trials in several], ignored=("name", "train.seed"))


def _seed(stored: Stored) -> tuple[str, str]:
    return str(stored.result["recipe"]["train"].get("seed")), stored.result["id"]
