"""Runs a comparison: missing tuning trials, each method's selection, missing final trials, the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pefbench.compare import estimate, selection, studies
from pefbench.compare.live import Board
from pefbench.compare.plan import Outcome, Plan, PlannedTrial, read_outcome
from pefbench.engines.engine import HERE, Resources, engine
from pefbench.engines.local import Pool
from pefbench.errors import RecipeError, suggest
from pefbench.results.address import place_at
from pefbench.results.ranges import margin_of_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.compare.selection import Selection
    from pefbench.engines.engine import Engine
    from pefbench.engines.messages import Inspection
    from pefbench.results.place import Place
    from pefbench.results.verdict_schema import Comparison

VERDICT = "comparison.json"
ROOM = 2**20

Key = tuple[str, int, int, bool]
"""Identifies a trial: method, setting, seed, and whether it is scored on test."""


@dataclass(frozen=True)
class Wanted:
    """The user's request.

    give_up: count tuning trials that died as failed; see `selection`. command: the command line, for provenance.
    methods: the methods of the file to compare; none: all.
    """

    file: Path
    out: Path | str
    resources: Resources = HERE
    overrides: tuple[str, ...] = ()
    give_up: bool = False
    command: str = ""
    methods: tuple[str, ...] = ()


class Grid:
    """The trials of a comparison on an engine: their result files, their outcomes, and how missing ones are run.

    metric: the value to compare by. higher: whether higher is better. gpus: the number of GPUs of a worker.
    """

    def __init__(self, plan: Plan, wanted: Wanted, pool: Engine, place: Place) -> None:
        """Let a worker look at every possible trial. Raises RecipeError for a metric that no test can compare."""
        self.plan, self.wanted, self.pool, self.results = plan, wanted, pool, place
        self.paths: dict[Key, Path] = {}
        trials = [*plan.tuning()]
        for method, settings in plan.settings.items():
            trials += [trial for number in range(len(settings)) for trial in plan.final(method, number)]
        answer = self._look_up(trials)
        plan.measure(answer["training_examples"])
        self.metric = _metric(plan, answer)
        self.higher, self.gpus = answer["higher_is_better"][self.metric], answer["gpus"]

    def _look_up(self, trials: Sequence[PlannedTrial]) -> Inspection:
        """Record the result file of each trial; return the worker's answer."""
        answer = self.pool.inspect({"do": "inspect", "trials": [trial.request(self.results) for trial in trials]})
        self.paths |= {_key(trial): Path(path) for trial, path in zip(trials, answer["paths"], strict=True)}
        return answer

    def outcome(self, trial: PlannedTrial) -> Outcome:
        """A trial's current outcome, read from its result file."""
        return read_outcome(trial, self.paths[_key(trial)])

    def search(self) -> list[PlannedTrial]:
        """Run the methods' studies; return the tuning trials of all settings that they tried."""
        first = {trial.method: self.paths[_key(trial)] for trial in reversed(self.plan.tuning())}
        paths = [first[method] for method in self.plan.comparison.methods]
        found = studies.tune(
            self.plan, paths, self.metric, self.pool, self.results, command=self.wanted.command, higher=self.higher
        )
        self._add(found)
        return found

    def place(self, tuning: Sequence[Outcome]) -> list[PlannedTrial]:
        """The tuning trials of further settings, which follow from the results so far; none if no budget is left."""
        placed = self.plan.place(self._scored(tuning), higher=self.higher)
        self._add(placed)
        return placed

    def run(self, trials: Sequence[PlannedTrial], board: Board) -> list[Outcome]:
        """Run the trials that are missing; return the outcomes of all, in order."""
        outcomes = [self.outcome(trial) for trial in trials]
        board.expect(outcomes)
        missing = [number for number, outcome in enumerate(outcomes) if outcome.status == "missing"]

        def tell(number: int, event: str, error: str | None) -> None:
            at = missing[number]
            if event == "began":
                board.began(trials[at])
            elif event == "held":
                board.held(trials[at])
            else:
                self.results.fetch(outcomes[at].path)
                outcomes[at] = read_outcome(trials[at], outcomes[at].path, error)
                board.ended(outcomes[at])

        self.pool.run([trials[number].request(self.results, self.wanted.command) for number in missing], tell)
        return outcomes

    def select(self, tuning: Sequence[Outcome], *, give_up: bool) -> dict[str, Selection]:
        """The setting of each method for its final trials."""
        return {
            method: selection.select(
                _of(method, tuning), self.metric, higher=self.higher, give_up=give_up, tested=self._tested(method)
            )
            for method in self.plan.comparison.methods
        }

    def are_missing(self, trials: Sequence[PlannedTrial]) -> bool:
        """Whether any of the trials has not been run."""
        return any(self.outcome(trial).status == "missing" for trial in trials)

    def _add(self, placed: Sequence[PlannedTrial]) -> None:
        """Look up the result files of new settings: those of their tuning trials and of their final trials."""
        if placed:
            new = dict.fromkeys((trial.method, trial.setting) for trial in placed)
            self._look_up([*placed, *(trial for setting in new for trial in self.plan.final(*setting))])

    def _scored(self, tuning: Sequence[Outcome]) -> dict[str, list[float | None]]:
        """The score of each setting, for the methods whose tuning trials are all there or count as failed."""
        found = {}
        for method in self.plan.comparison.methods:
            mine = _of(method, tuning)
            if self.wanted.give_up or all(outcome.status != "missing" for outcome in mine):
                found[method] = selection.select(mine, self.metric, higher=self.higher, give_up=True).values
        return found

    def _tested(self, method: str) -> list[int]:
        """The settings of a method that an earlier run scored on test."""
        return [
            number
            for number in range(len(self.plan.settings[method]))
            if any(self.outcome(trial).status == "finished" for trial in self.plan.final(method, number))
        ]


def compare(wanted: Wanted) -> Path:
    """Run the missing trials of a comparison, write the verdict after each look and return its path.

    Raises a UserError for a request that cannot work. The verdict lists trials that failed or died.
    """
    plan = Plan(wanted.file, wanted.overrides, wanted.methods)
    results = place_at(wanted.out).below(plan.comparison.name)
    results.check(ROOM)
    results.pull()
    with engine(results.folder, wanted.resources) as pool:
        grid = Grid(plan, wanted, pool, results)
        if grid.gpus > 1:
            pool.use_gpus(grid.gpus)
        searched = grid.search() if plan.comparison.search else []
        with Board(plan, grid.metric, pool.doing, higher=grid.higher) as board:
            found = _judge(grid, _tune(grid, searched, board), board)
    return _publish(found, results)


def _tune(grid: Grid, searched: Sequence[PlannedTrial], board: Board) -> list[Outcome]:
    """The outcomes of all tuning trials, after running those that are missing. searched: the trials of studies."""
    if searched:
        tuning = [_given_up(grid.outcome(trial)) for trial in searched]
        board.expect(tuning)
    else:
        tuning = grid.run(grid.plan.tuning(), board)
    while placed := grid.place(tuning):
        tuning += grid.run(placed, board)
    return tuning


def _judge(grid: Grid, tuning: Sequence[Outcome], board: Board) -> Comparison:
    """Select settings and run their final trials, look by look; return the last look's verdict."""
    from pefbench.compare import verdict

    plan = grid.plan
    selections = grid.select(tuning, give_up=grid.wanted.give_up)
    finals: list[Outcome] = []
    found: Comparison | None = None
    for look in plan.looks:
        methods = plan.comparison.methods if found is None else verdict.not_worse(found)
        new = _finals(plan, selections, methods, look, finals)
        if found is not None and grid.are_missing(new):
            _publish(verdict.with_note(found, verdict.MORE), grid.results)
        finals += grid.run(new, board)
        found = verdict.make(plan, grid.metric, selections, tuning, finals, higher=grid.higher, earlier=found)
        if verdict.is_decided(found) or _waits(selections, finals):
            break
    if found is None:
        raise AssertionError("a comparison has a look")
    return found


def _publish(found: Comparison, results: Place) -> Path:
    """Write a verdict beside the results; return its path."""
    from pefbench.compare import verdict

    path = results.folder / VERDICT
    verdict.write(path, found)
    results.publish(path)
    return path


def _given_up(outcome: Outcome) -> Outcome:
    """A trial that died counts as failed: its study has counted it, and it is not run again."""
    return replace(outcome, status="failed") if outcome.status == "missing" else outcome


def _of(method: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.planned.method == method]


def _finals(
    plan: Plan, selections: Mapping[str, Selection], methods: Iterable[str], look: int, before: Sequence[Outcome]
) -> list[PlannedTrial]:
    """The final trials up to a look, for methods with a selected setting, without the trials of earlier looks.

    A method that was dropped from a look comes back, with the seeds that it missed, if another method is now the best.
    """
    chosen = {method: selections[method].setting for method in methods}
    known = {_key(outcome.planned) for outcome in before}
    return [
        trial
        for method, setting in chosen.items()
        if setting is not None
        for trial in plan.final(method, setting, look)
        if _key(trial) not in known
    ]


def _waits(selections: Mapping[str, Selection], finals: Sequence[Outcome]) -> bool:
    """Whether trials are missing that the same command would run: these delay the next look, failed ones do not."""
    return any(each.waits for each in selections.values()) or any(each.status == "missing" for each in finals)


def dry_run(wanted: Wanted) -> str:
    """The plan of a comparison as text: its trials, which of them are done, and how long the rest may take."""
    wanted.resources.check()
    plan = Plan(wanted.file, wanted.overrides, wanted.methods)
    everything = place_at(wanted.out)
    everything.pull()
    with TemporaryDirectory() as logs, Pool(Path(logs), HERE) as pool:
        grid = Grid(plan, wanted, pool, everything.below(plan.comparison.name))
        tuning = [grid.outcome(trial) for trial in ([] if plan.comparison.search else plan.tuning())]
        while placed := grid.place(tuning):
            tuning += [grid.outcome(trial) for trial in placed]
    selections = grid.select(tuning, give_up=False)
    finals = _likely_finals(grid, selections)
    first = {*plan.seeds[: plan.looks[0]]}
    begin = [each for each in finals if each.planned.seed in first]
    later = [each for each in finals if each.planned.seed not in first]
    workers = wanted.resources.workers or 1
    told = estimate.render(plan, selections, [*tuning, *begin], everything.folder, workers, later)
    too_wide = margin_of_all(plan.comparison.margin or 0.0, grid.metric, 0.0)
    return f"{told}\n{too_wide}" if too_wide else told


def _likely_finals(grid: Grid, selections: Mapping[str, Selection]) -> list[Outcome]:
    """The final trials of all looks. Until a setting is selected, the first stands for it: its trials take as long."""
    found = []
    for method, selected in selections.items():
        for trial in grid.plan.final(method, selected.setting or 0):
            missing = Outcome(trial, grid.paths[_key(trial)], "missing", None)
            found.append(missing if selected.setting is None else grid.outcome(trial))
    return found


def _metric(plan: Plan, answer: Inspection) -> str:
    """The metric value to compare by. Raises RecipeError if it does not exist, or no paired test can compare it."""
    metric, usable = plan.comparison.metric or answer["headline"], answer["higher_is_better"]
    if metric not in usable:
        raise RecipeError(f"metric: unknown value {metric!r}; {suggest(metric, usable)}")
    if metric in answer["untestable"]:
        others = [name for name in usable if name not in answer["untestable"]]
        other = f"name {' or '.join(others)}" if others else "give evaluate.metrics another"
        raise RecipeError(
            f"metric: {metric} is computed over all answers at once, so no paired test can compare it; {other}"
        )
    return metric


def _key(trial: PlannedTrial) -> Key:
    return trial.method, trial.setting, trial.seed, "test" in trial.scored
