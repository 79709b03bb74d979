"""`search:` of a comparison against its whole grid: the budget spent, and whether it finds an equally good setting.

    python -m benchmarks.search_budget OUT [--comparisons topic ner] [--methods lora bottleneck] [--examples 200]

The grid is the comparison's learning rates times the sizes that `pefbench search` tries; the search's budget is .4 of
it. A trial's curve depends only on its setting, so each setting is trained once. The searches, one per seed of the
sampler, replay the curves through the study, the pruner and the budget of `pefbench compare`. The selected settings are
then trained with further seeds and compared on test, paired over its examples. OUT keeps the trained settings; the same
command continues an interrupted run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import yaml
from tabulate import tabulate

from pefbench.compare import outcomes
from pefbench.compare.plan import Plan, PlannedTrial, read_outcome
from pefbench.compare.studies import Compared
from pefbench.engines.pruning import watcher
from pefbench.metrics import make
from pefbench.paths import PROJECT
from pefbench.registry import find
from pefbench.results.address import place_at
from pefbench.results.store import read_result
from pefbench.search import study
from pefbench.search.trials import Objective, Trials, score
from pefbench.search.tuning import Tuning
from pefbench.search.wanted import Wanted
from pefbench.stats.paired import difference
from pefbench.trial import run
from pefbench.trial.cache import Shared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.engines.messages import Message, TrialRequest
    from pefbench.methods import Method
    from pefbench.results.verdict_schema import Setting

SHARE, LEVEL = 0.4, 0.05
HEADERS = ("", "settings", "spent", "tried", "same setting", "validation lost, mean", "shown to be worse on test")


class Grid:
    """All settings of one method, trained, and their results."""

    def __init__(self, plan: Plan, method: str, out: Path, shared: Shared) -> None:
        self.plan, self.out, self.shared = plan, out, shared
        search = plan.comparison.search
        if search is None:
            raise AssertionError("the file has a search")
        self.compared, self.search = Compared(plan, search, method), search
        categories = self.compared.space.categories()
        self.settings: list[Setting] = [
            dict(zip(categories, values, strict=True)) for values in product(*categories.values())
        ]
        self.paths = [self._trained(setting) for setting in self.settings]
        self.metric = self._objective()
        self.values = [score(path, self.metric.metric) for path in self.paths]

    def _trained(self, setting: Setting) -> Path:
        print(f"{self.compared.name} {setting}", flush=True)
        return run.run(self.compared.recipe(setting), self.out, scored=("validation",), shared=self.shared)

    def _objective(self) -> Objective:
        recipe, there = self.compared.recipe(self.settings[0]), read_result(self.paths[0])["data"]["splits"]["train"]
        metric = make(recipe.evaluate.metrics[0])
        examples = min(there["examples"], recipe.train.max_examples or there["examples"])
        return Objective(metric.headline, metric.higher_is_better[metric.headline], examples)

    @property
    def best(self) -> int:
        """The setting that the whole grid selects."""
        sign = 1 if self.metric.higher else -1
        return max(range(len(self.values)), key=lambda place: sign * self.values[place])

    def recorded(self) -> dict[str, Path]:
        """The result of each recipe."""
        recipes = [self.compared.recipe(setting) for setting in self.settings]
        return {_key(recipe.requested()): path for recipe, path in zip(recipes, self.paths, strict=True)}


class Replayed(Trials):
    """Trials that were trained before: each replays its curve until the study stops it."""

    def __init__(self, wanted: Wanted, folder: Path, recorded: Mapping[str, Path]) -> None:
        super().__init__(wanted, place_at(folder), cast("Any", SimpleNamespace(size=1, stopped=False)))
        self.recorded = recorded

    def run(self, request: TrialRequest) -> Message:
        """The worker's answer."""
        path = self.recorded[_key(request["recipe"])]
        curve, watch = read_result(path)["curve"], watcher(request["judged"])
        for place, point in enumerate(curve[:-1]):
            if "validation" in point and watch(curve[: place + 1]):
                return {"pruned": f"at step {point['step']}"}
        return {"path": str(path)}


def searched(grid: Grid, seed: int) -> tuple[int, int, int]:
    """The outcome of a search with this sampler seed: the setting, the examples seen, the settings tried."""
    search, compared = grid.search, grid.compared
    compared.seed = seed
    with tempfile.TemporaryDirectory() as folder:
        wanted = Wanted(
            grid.plan.base, folder, trials=search.trials, sampler=search.sampler, pruner=search.prune, command=""
        )
        trials = Replayed(wanted, Path(folder), grid.recorded())
        budget = grid.plan.allowance
        tuning = Tuning(compared, trials, grid.metric, str(grid.paths[0]), budget)
        tuning.spend()
        best = study.best_first(tuning.proposed, higher=grid.metric.higher)[0]
        setting = compared.space.setting(best.params)
        return grid.settings.index(setting), tuning.spent, len(tuning.proposed)


def tested(grid: Grid, places: Sequence[int], seeds: Sequence[int]) -> dict[int, Any]:
    """The test scores of settings, each with further seeds."""
    grid.plan.searched(grid.compared.name, grid.settings, 0)
    found = {}
    for place in places:
        finals = [
            PlannedTrial(each.method, each.setting, seed, each.scored, each.recipe.with_train(seed=seed), each.text)
            for each in grid.plan.final(grid.compared.name, place, 1)
            for seed in seeds
        ]
        paths = [run.run(each.recipe, grid.out, scored=each.scored, shared=grid.shared) for each in finals]
        there = [read_outcome(each, path) for each, path in zip(finals, paths, strict=True)]
        found[place] = outcomes.scores(there, [outcomes.read_rows(each) for each in there], grid.metric.metric)
    return found


def row(grid: Grid, name: str, samplers: int, seeds: Sequence[int]) -> list[str]:
    """A row of the table."""
    found = [searched(grid, seed) for seed in range(samplers)]
    whole = sum(max(1, round(grid.metric.examples * grid.compared.epochs(setting))) for setting in grid.settings)
    shares = [spent / whole for _, spent, _ in found]
    chosen, best = Counter(place for place, _, _ in found), grid.best
    scores = tested(grid, [*{*chosen, best}], seeds)
    worse = 0
    for place, times in chosen.items():
        lost = difference(scores[place], scores[best])
        shown = lost.p < LEVEL and (lost.value < 0) == grid.metric.higher
        worse += times * shown
        print(f"  {grid.settings[place]}: {times} times, {lost.value:+.4f} on test, p {lost.p:.2g}", flush=True)
    sign = 1 if grid.metric.higher else -1
    mean = sum(times * sign * (grid.values[best] - grid.values[place]) for place, times in chosen.items()) / samplers
    tried = [number for _, _, number in found]
    return [
        name,
        str(len(grid.settings)),
        f"{sum(shares) / samplers:.2f} (at most {max(shares):.2f})",
        f"{min(tried)} to {max(tried)}",
        f"{chosen[best]} of {samplers}",
        f"{mean:.3f}",
        f"{worse} of {samplers}",
    ]


def plan_of(comparison: str, methods: Sequence[str], examples: int, folder: Path) -> Plan:
    """The plan with the recorded comparison's recipe and learning rates, times each method's sizes, searched."""
    given = yaml.safe_load((PROJECT / "recipes" / "compare" / f"{comparison}.yaml").read_text(encoding="utf8"))
    entries, most = {}, 0
    for method in methods:
        sizes: type[Method] = find("method", method)
        options = {f"method.{option}": [*values] for option, values in sizes.searched.items()}
        entry = given["methods"][method]
        entries[method] = {"method": {"name": method}, "search": {**entry["search"], **options}}
        most = max(most, len([*product(*entries[method]["search"].values())]))
    content = {
        "recipe": str((PROJECT / "recipes" / "compare" / given["recipe"]).resolve()),
        "seeds": [1],
        "search": {"trials": int(SHARE * most)},
        "methods": entries if len(entries) > 1 else {**entries, "head_only": {"method": {"name": "head_only"}}},
    }
    file = folder / f"{comparison}.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf8")
    return Plan(file, (f"train.max_examples={examples}", "train.threads=1"))


def main() -> None:
    """Train, search, test; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--comparisons", nargs="+", default=["topic", "ner"])
    parser.add_argument("--methods", nargs="+", default=["lora", "bottleneck"])
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--samplers", type=int, default=20, help="seeds of the sampler")
    parser.add_argument("--seeds", type=int, default=2, help="seeds with which settings are tested")
    parsed = parser.parse_args()
    rows, shared = [], Shared()
    with tempfile.TemporaryDirectory() as folder:
        for comparison in parsed.comparisons:
            plan = plan_of(comparison, parsed.methods, parsed.examples, Path(folder))
            for method in parsed.methods:
                grid = Grid(plan, method, parsed.out / comparison, shared)
                plan.measure(grid.metric.examples)
                rows.append(row(grid, f"{comparison}, {method}", parsed.samplers, range(1, parsed.seeds + 1)))
                print(tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True), flush=True)


def _key(recipe: object) -> str:
    return json.dumps(recipe, sort_keys=True)


if __name__ == "__main__":
    main()
