"""Trials of one setting with several seeds, combined: their mean and its interval.

If a comparison's verdict covers exactly these trials, the interval is the verdict's, computed from the answers.
Otherwise it is computed from the trials' own intervals, by the same module.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pefbench.analysis.tables import baselines
from pefbench.analysis.tables.groups import group_of, headline, is_of_unknown_method
from pefbench.analysis.tables.rows import differences
from pefbench.analysis.tables.wording import interval
from pefbench.results.ranges import range_of
from pefbench.results.store import deciding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.analysis.tables.baselines import Known
    from pefbench.analysis.tables.row import BaselineColumns
    from pefbench.results.schema import MetricValue, Result, TrainPhase
    from pefbench.results.store import Stored
    from pefbench.results.verdict_schema import Comparison, Test
    from pefbench.stats.mean_interval import Mean


@dataclass(frozen=True)
class Replicates:
    """The finished trials of one setting, which differ only in their seed."""

    trials: list[Stored]
    differs: str = field(default="")
    """The overrides in which it differs from other settings of its recipe; empty if there is only one setting."""

    verdicts: Sequence[Comparison] = ()
    """Verdicts of comparisons, one of which may cover these trials."""

    @property
    def first(self) -> Result:
        """The first result, for fields that are the same in all."""
        return self.trials[0].result

    @property
    def name(self) -> str:
        """The recipe's name, with the setting if the recipe has several."""
        return f"{self.first['recipe']['name']} {self.differs}".rstrip()

    @property
    def recipe(self) -> str:
        """The names of the recipe and the method, which all its settings share."""
        return f"{self.first['recipe']['name']} {self.method}"

    @property
    def score(self) -> str:
        """The headline metric with its interval, as text."""
        seeds = f" (mean of {len(self.trials)} seeds)" if len(self.trials) > 1 else ""
        return f"{self.first['headline']} {interval(self.value, self.low, self.high, reliable=self.reliable)}{seeds}"

    @property
    def method(self) -> str:
        """The method's name; if an imported run has none, the run's name, so that two runs never share a method."""
        recipe = self.first["recipe"]
        return str(recipe["name"] if is_of_unknown_method(self.first) else recipe["method"]["name"])

    @property
    def is_full(self) -> bool:
        """Whether this is full fine-tuning; an imported run whose method is unknown is not."""
        return self.method == "full" and not is_of_unknown_method(self.first)

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return 1 if headline(self.first)["higher_is_better"] else -1

    @property
    def value(self) -> float:
        """The headline metric on test: the mean over seeds."""
        return statistics.fmean(self._values())

    @property
    def spread(self) -> float:
        """The standard deviation over seeds; 0 with one seed, when it is unknown."""
        return statistics.stdev(self._values()) if len(self.trials) > 1 else 0.0

    @property
    def low(self) -> float | None:
        """The lower end of the 95 % interval; None if there is none."""
        return self._ends[0]

    @property
    def high(self) -> float | None:
        """The upper end of the 95 % interval; None if there is none."""
        return self._ends[1]

    @property
    def reliable(self) -> bool:
        """Whether enough test examples decide each trial's value for the interval to be reliable."""
        return all(headline(each.result).get("reliable", True) for each in self.trials)

    @property
    def validation(self) -> float | None:
        """The headline metric on validation, by which settings are selected: the mean over seeds.

        None if a trial has none or its value is unknown: the mean of the others would cover fewer seeds.
        """
        found = self._on_validation()
        return statistics.fmean(each["value"] for each in found) if found else None

    @cached_property
    def decided(self) -> Mean | None:
        """The deciding score: on validation, or on test for results without one; None if its error is unknown."""
        return _mean(self._on_validation() or [headline(each.result) for each in self.trials], self.first["headline"])

    @property
    def trained(self) -> int | None:
        """The number of trained weights; None if unknown, as in some imported runs."""
        return self.first["model"].get("trainable_parameters")

    @property
    def trained_percent(self) -> float | None:
        """The trained weights in percent of the model's; None if unknown."""
        return self.first["model"].get("trainable_percent")

    @property
    def adapter_bytes(self) -> int | None:
        """The size of the saved weights, the largest over seeds; None if unknown."""
        sizes = [each.result["model"]["adapter_bytes"] for each in self.trials]
        return max((size for size in sizes if size is not None), default=None)

    @property
    def seconds(self) -> float | None:
        """The duration of training, the mean over seeds; None if unknown."""
        phases = self._training()
        return statistics.fmean(each["seconds"] for each in phases) if phases else None

    @property
    def memory_bytes(self) -> int | None:
        """The peak memory of training, the highest over seeds; None if unknown."""
        return max((each["peak_memory_bytes"] for each in self._training()), default=0) or None

    def overlaps(self, other: Replicates) -> bool:
        """Whether the intervals overlap, so that neither is shown to be better; true without intervals."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return True
        return self.low <= other.high and other.low <= self.high

    def beside(self, known: Known) -> BaselineColumns:
        """The best trivial baseline, and whether the setting is shown to be better."""
        if len(self.trials) == 1:
            return baselines.beside(self.first, known)
        return baselines.beside_mean(self.first, known, self.value, self.low, self.high)

    def _training(self) -> list[TrainPhase]:
        return [each.result["phases"]["train"] for each in self.trials if "train" in each.result["phases"]]

    def _values(self) -> list[float]:
        return [headline(each.result)["value"] for each in self.trials]

    def _on_validation(self) -> list[MetricValue]:
        """The headline metric on validation in each trial; empty if a trial lacks it."""
        name = self.first["headline"]
        found = [each.result["metrics"].get("validation", {}).get(name) for each in self.trials]
        there = [metric for metric in found if metric is not None]
        return there if len(there) == len(found) else []

    @cached_property
    def _ends(self) -> tuple[float, float] | tuple[None, None]:
        """The interval on test: a single trial's own; for several, the verdict's or that of `stats.mean_interval`."""
        metrics = [headline(each.result) for each in self.trials]
        if len(metrics) == 1:
            return _ends_of(metrics[0])
        ids = {each.result["id"] for each in self.trials}
        for verdict in (each for each in self.verdicts if each["metric"] == self.first["headline"]):
            for method in verdict["methods"]:
                test = method.get("test")
                if test and ids == {
                    trial["result"].rpartition("/")[2].removesuffix(".json") for trial in method["final"]
                }:
                    return _ends_of(test)
        mean = _mean(metrics, self.first["headline"])
        return (None, None) if mean is None or mean.low is None or mean.high is None else (mean.low, mean.high)


def _ends_of(value: MetricValue | Test) -> tuple[float, float] | tuple[None, None]:
    low, high = value["low"], value["high"]
    return (None, None) if low is None or high is None else (low, high)


def _mean(metrics: Sequence[MetricValue], name: str) -> Mean | None:
    """The mean of a metric over seeds; None if a trial's interval is unknown."""
    from pefbench.stats.mean_interval import of_runs

    runs = [(each["value"], *ends) for each in metrics if (ends := _ends_of(each)) != (None, None)]
    if len(runs) < len(metrics):
        return None
    return of_runs(runs, metrics[0]["examples"], range_of(name, statistics.fmean(each["value"] for each in metrics)))


def replicates_by_group(
    results: Iterable[Stored], verdicts: Sequence[Comparison] = ()
) -> dict[tuple[str, ...], list[Replicates]]:
    """The finished trials by group (see `groups.group_of`), sorted; in each group the best setting first."""
    trials: dict[tuple[str, ...], dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for stored in results:
        if stored.result["status"] == "finished":
            trials[group_of(stored.result)][json.dumps(without_seed(stored.result["recipe"]), sort_keys=True)].append(
                stored
            )
    return {group: _named(list(trials[group].values()), verdicts) for group in sorted(trials)}


def best_on_validation(settings: Sequence[Replicates]) -> Replicates:
    """The setting that is best on validation: selecting on test would make it look better than it is."""

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


def ran_on_several_machines(settings: Iterable[Replicates]) -> bool:
    """Whether the trials ran on different machines, or with different numbers of threads or processes."""
    machines = {_machine(stored.result) for each in settings for stored in each.trials}
    return len(machines) > 1


def _machine(result: Result) -> tuple[object, ...]:
    """What times and memory depend on; empty if unknown, as for imported runs."""
    provenance = result["provenance"]
    hardware = provenance.get("hardware")
    return (hardware["cpu"], hardware["threads"], hardware["gpu"], provenance.get("world_size")) if hardware else ()


def without_seed(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everything in a resolved recipe that affects its numbers, except the seed.

    The name is kept: a comparison may have the same setting twice.
    """
    recipe = deciding(recipe)
    return {**recipe, "train": {name: value for name, value in recipe["train"].items() if name != "seed"}}


def _named(members: Sequence[list[Stored]], verdicts: Sequence[Comparison]) -> list[Replicates]:
    alike: dict[tuple[str, str], list[list[Stored]]] = defaultdict(list)
    for trials in members:
        recipe = trials[0].result["recipe"]
        alike[recipe["name"], recipe["method"]["name"]].append(sorted(trials, key=_seed))
    found = [
        Replicates(trials, differs, verdicts)
        for several in alike.values()
        for trials, differs in zip(several, _differences(several), strict=True)
    ]
    return sorted(found, key=lambda each: (-each.sign * each.value, each.name))


def _differences(several: Sequence[list[Stored]]) -> list[str]:
    return differences([trials[0].result["recipe"] for trials in several], ignored=("name", "train.seed"))


def _seed(stored: Stored) -> tuple[str, str]:
    return str(stored.result["recipe"]["train"].get("seed")), stored.result["id"]
