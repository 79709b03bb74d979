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


@dataclass(frozen=True)
class Facts:
    """What a worker reports: the result files, the metric to compare by, and the number of GPUs."""

    paths: Mapping[tuple[str, int, int, bool], Path]
    metric: str
    higher_is_better: bool
    gpus: int

    def outcome(self, trial: PlannedTrial) -> Outcome:
        """A trial's current outcome, read from its result file."""
        return read_outcome(trial, self.paths[_key(trial)])


def compare(wanted: Wanted) -> Path:
    """Run the missing trials of a comparison, write the verdict after each look and return its path.

    Raises a UserError for a request that cannot work. The verdict lists trials that failed or died.
    """
    from pefbench.compare import verdict

    plan = Plan(wanted.file, wanted.overrides, wanted.methods)
    place = place_at(wanted.out).below(plan.comparison.name)
    place.check(ROOM)
    place.pull()
    with engine(place.folder, wanted.resources) as pool:
        facts = _facts(plan, pool, place)
        if facts.gpus > 1:
            pool.use_gpus(facts.gpus)
        searched = _search(plan, facts, wanted, pool, place) if plan.comparison.search else []
        if searched:
            facts = _with(facts, plan, searched, pool, place)
        with Board(plan, facts.metric, pool.doing, higher=facts.higher_is_better) as board:
            if searched:
                tuning = [_given_up(facts.outcome(trial)) for trial in searched]
                board.expect(tuning)
            else:
                tuning = _run(plan.tuning(), wanted.command, facts, place, pool, board)
            while placed := plan.place(_scored(plan, tuning, facts, wanted), higher=facts.higher_is_better):
                facts = _with(facts, plan, placed, pool, place)
                tuning += _run(placed, wanted.command, facts, place, pool, board)
            selections = _select(plan, tuning, facts, give_up=wanted.give_up)
            finals: list[Outcome] = []
            found: Comparison | None = None
            for look in plan.looks:
                methods = plan.comparison.methods if found is None else verdict.not_worse(found)
                new = _finals(plan, selections, methods, look, finals)
                if found is not None and _are_missing(new, facts):
                    _publish(verdict.with_note(found, verdict.MORE), place)
                finals += _run(new, wanted.command, facts, place, pool, board)
                found = verdict.make(
                    plan, facts.metric, selections, tuning, finals, higher=facts.higher_is_better, earlier=found
                )
                if verdict.is_decided(found) or _waits(selections, finals):
                    break
    if found is None:
        raise AssertionError("a comparison has a look")
    return _publish(found, place)


def _publish(found: Comparison, place: Place) -> Path:
    """Write a verdict beside the results; return its path."""
    from pefbench.compare import verdict

    path = place.folder / VERDICT
    verdict.write(path, found)
    place.publish(path)
    return path


def _search(plan: Plan, facts: Facts, wanted: Wanted, pool: Engine, place: Place) -> list[PlannedTrial]:
    """Run the methods' studies; return the tuning trials of all settings that they tried."""
    first = {trial.method: facts.paths[_key(trial)] for trial in reversed(plan.tuning())}
    paths = [first[method] for method in plan.comparison.methods]
    return studies.tune(plan, paths, facts.metric, pool, place, command=wanted.command, higher=facts.higher_is_better)


def _given_up(outcome: Outcome) -> Outcome:
    """A trial that died counts as failed: its study has counted it, and it is not run again."""
    return replace(outcome, status="failed") if outcome.status == "missing" else outcome


def _scored(plan: Plan, tuning: Sequence[Outcome], facts: Facts, wanted: Wanted) -> dict[str, list[float | None]]:
    """The score of each setting, for the methods whose tuning trials are all there or count as failed."""
    found = {}
    for method in plan.comparison.methods:
        mine = [outcome for outcome in tuning if outcome.planned.method == method]
        if wanted.give_up or all(outcome.status != "missing" for outcome in mine):
            found[method] = selection.select(mine, facts.metric, higher=facts.higher_is_better, give_up=True).values
    return found


def _with(facts: Facts, plan: Plan, placed: Sequence[PlannedTrial], pool: Engine, place: Place) -> Facts:
    """The facts, extended by the result files of newly placed settings."""
    new = dict.fromkeys((trial.method, trial.setting) for trial in placed)
    trials = [*placed, *(trial for method, setting in new for trial in plan.final(method, setting))]
    return replace(facts, paths={**facts.paths, **_paths(trials, pool, place)[0]})


def _paths(
    trials: Sequence[PlannedTrial], pool: Engine, place: Place
) -> tuple[dict[tuple[str, int, int, bool], Path], Inspection]:
    """The result file of each trial, and the worker's whole answer."""
    answer = pool.inspect({"do": "inspect", "trials": [trial.request(place) for trial in trials]})
    return {_key(trial): Path(path) for trial, path in zip(trials, answer["paths"], strict=True)}, answer


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
    place = everything.below(plan.comparison.name)
    with TemporaryDirectory() as logs, Pool(Path(logs), HERE) as pool:
        facts = _facts(plan, pool, place)
        listed = [] if plan.comparison.search else plan.tuning()
        tuning = [facts.outcome(trial) for trial in listed]
        while placed := plan.place(_scored(plan, tuning, facts, wanted), higher=facts.higher_is_better):
            facts = _with(facts, plan, placed, pool, place)
            tuning += [facts.outcome(trial) for trial in placed]
    selections = _select(plan, tuning, facts, give_up=False)
    # Until a setting is selected, the first one stands for it: its trials take about as long.
    final = [trial for method, selected in selections.items() for trial in plan.final(method, selected.setting or 0)]
    finals = [
        facts.outcome(trial)
        if selections[trial.method].setting is not None
        else Outcome(trial, facts.paths[_key(trial)], "missing", None)
        for trial in final
    ]
    first = {*plan.seeds[: plan.looks[0]]}
    begin = [each for each in finals if each.planned.seed in first]
    later = [each for each in finals if each.planned.seed not in first]
    workers = wanted.resources.workers or 1
    told = estimate.render(plan, selections, [*tuning, *begin], everything.folder, workers, later)
    too_wide = margin_of_all(plan.comparison.margin or 0.0, facts.metric, 0.0)
    return f"{told}\n{too_wide}" if too_wide else told


def _facts(plan: Plan, pool: Engine, place: Place) -> Facts:
    """Let a worker look at every possible trial. Raises RecipeError for a metric that no test can be of."""
    trials = [*plan.tuning()]
    for method, settings in plan.settings.items():
        trials += [trial for number in range(len(settings)) for trial in plan.final(method, number)]
    paths, answer = _paths(trials, pool, place)
    plan.measure(answer["training_examples"])
    metric = plan.comparison.metric or answer["headline"]
    if metric not in answer["higher_is_better"]:
        raise RecipeError(f"metric: unknown value {metric!r}; {suggest(metric, answer['higher_is_better'])}")
    if metric in answer["untestable"]:
        usable = [name for name in answer["higher_is_better"] if name not in answer["untestable"]]
        other = f"name {' or '.join(usable)}" if usable else "give evaluate.metrics another"
        raise RecipeError(
            f"metric: {metric} is computed over all answers at once, so no paired test can compare it; {other}"
        )
    return Facts(paths, metric, answer["higher_is_better"][metric], answer["gpus"])


def _run(
    trials: Sequence[PlannedTrial], command: str, facts: Facts, place: Place, pool: Engine, board: Board
) -> list[Outcome]:
    """Run the trials that are missing; return the outcomes of all, in order."""
    outcomes = [facts.outcome(trial) for trial in trials]
    board.expect(outcomes)
    missing = [number for number, outcome in enumerate(outcomes) if outcome.status == "missing"]

    def tell(number: int, event: str, error: str | None) -> None:
        at = missing[number]
        if event == "began":
            board.began(trials[at])
        elif event == "held":
            board.held(trials[at])
        else:
            place.fetch(outcomes[at].path)
            outcomes[at] = read_outcome(trials[at], outcomes[at].path, error)
            board.ended(outcomes[at])

    pool.run([trials[number].request(place, command) for number in missing], tell)
    return outcomes


def _select(plan: Plan, tuning: Sequence[Outcome], facts: Facts, *, give_up: bool) -> dict[str, Selection]:
    return {
        method: selection.select(
            [outcome for outcome in tuning if outcome.planned.method == method],
            facts.metric,
            higher=facts.higher_is_better,
            give_up=give_up,
            tested=_tested(plan, method, facts),
        )
        for method in plan.comparison.methods
    }


def _are_missing(trials: Sequence[PlannedTrial], facts: Facts) -> bool:
    return any(facts.outcome(trial).status == "missing" for trial in trials)


def _tested(plan: Plan, method: str, facts: Facts) -> list[int]:
    """The settings of a method that an earlier run scored on test."""
    settings = range(len(plan.settings[method]))
    finals = {number: plan.final(method, number) for number in settings}
    return [
        number
        for number, trials in finals.items()
        if any(facts.outcome(trial).status == "finished" for trial in trials)
    ]


def _key(trial: PlannedTrial) -> tuple[str, int, int, bool]:
    return trial.method, trial.setting, trial.seed, "test" in trial.scored
