"""Running a comparison: what is missing of its tuning, each method's choice, what is missing of the final trials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pefbench.compare import choice, estimate
from pefbench.compare.live import Board
from pefbench.compare.plan import Outcome, Plan, Planned, read_outcome
from pefbench.compare.pool import Pool
from pefbench.errors import RecipeError, suggest
from pefbench.results.store import check_writable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.compare.choice import Chosen

VERDICT = "comparison.json"
ROOM = 2**20


@dataclass(frozen=True)
class Wanted:
    """What the user asks for. give_up: whether tuning trials that die count as the worst; see `choice`."""

    file: Path
    out: Path
    workers: int = 1
    overrides: tuple[str, ...] = ()
    give_up: bool = False


@dataclass(frozen=True)
class Facts:
    """What only a worker can know: where results lie, which value compares, and the number of GPUs."""

    paths: Mapping[tuple[str, int, int, bool], Path]
    metric: str
    higher_is_better: bool
    gpus: int


def compare(wanted: Wanted) -> Path:
    """Run what is missing of a comparison and write its verdict; return the verdict's path.

    Raises a UserError for what cannot work. A trial that fails or dies is told of in the verdict.
    """
    from pefbench.compare import verdict

    plan = Plan(wanted.file, wanted.overrides)
    folder = wanted.out / plan.comparison.name
    check_writable(folder, ROOM)
    with Pool(folder, wanted.workers) as pool:
        facts = _facts(plan, pool, folder)
        if facts.gpus > 1:
            pool.use_gpus(facts.gpus)
        with Board(plan, facts.metric, pool.doing, higher=facts.higher_is_better) as board:
            tuned = _run(plan.tuning(), facts, folder, pool, board)
            chosen = _choose(plan, tuned, facts, give_up=wanted.give_up)
            final = [
                trial
                for method, choice in chosen.items()
                if choice.setting is not None
                for trial in plan.final(method, choice.setting)
            ]
            finals = _run(final, facts, folder, pool, board)
    path = folder / VERDICT
    verdict.write(path, verdict.make(plan, facts.metric, chosen, tuned, finals, higher=facts.higher_is_better))
    return path


def dry_run(wanted: Wanted) -> str:
    """Return the plan of a comparison, what of it is done, and how long the rest may take, for people."""
    plan = Plan(wanted.file, wanted.overrides)
    folder = wanted.out / plan.comparison.name
    with TemporaryDirectory() as logs, Pool(Path(logs), 1) as pool:
        facts = _facts(plan, pool, folder)
    tuned = [read_outcome(trial, facts.paths[_key(trial)]) for trial in plan.tuning()]
    chosen = _choose(plan, tuned, facts, give_up=False)
    # What is not chosen yet takes as long as the first setting, as far as is known.
    final = [trial for method, made in chosen.items() for trial in plan.final(method, made.setting or 0)]
    finals = [
        read_outcome(trial, facts.paths[_key(trial)])
        if chosen[trial.method].setting is not None
        else Outcome(trial, facts.paths[_key(trial)], "missing", None)
        for trial in final
    ]
    return estimate.render(plan, chosen, [*tuned, *finals], wanted.out, wanted.workers)


def _facts(plan: Plan, pool: Pool, folder: Path) -> Facts:
    """Ask a worker about every trial that may come to be. Raises RecipeError for a metric that there is not."""
    trials = [*plan.tuning()]
    for method, settings in plan.settings.items():
        trials += [trial for number in range(len(settings)) for trial in plan.final(method, number)]
    answer: dict[str, Any] = pool.ask({"do": "inspect", "trials": [trial.request(folder) for trial in trials]})
    metric = plan.comparison.metric or answer["headline"]
    if metric not in answer["higher_is_better"]:
        raise RecipeError(f"metric: unknown value {metric!r}; {suggest(metric, answer['higher_is_better'])}")
    paths = {_key(trial): Path(path) for trial, path in zip(trials, answer["paths"], strict=True)}
    return Facts(paths, metric, answer["higher_is_better"][metric], answer["gpus"])


def _run(trials: Sequence[Planned], facts: Facts, folder: Path, pool: Pool, board: Board) -> list[Outcome]:
    """Run those trials that are not done; return what became of all, in order."""
    outcomes = [read_outcome(trial, facts.paths[_key(trial)]) for trial in trials]
    board.expect(outcomes)
    missing = [number for number, outcome in enumerate(outcomes) if outcome.status == "missing"]

    def tell(number: int, event: str, error: str | None) -> None:
        place = missing[number]
        if event == "began":
            board.began(trials[place])
        else:
            outcomes[place] = read_outcome(trials[place], outcomes[place].path, error)
            board.ended(outcomes[place])

    pool.run([trials[number].request(folder) for number in missing], tell)
    return outcomes


def _choose(plan: Plan, tuned: Sequence[Outcome], facts: Facts, *, give_up: bool) -> dict[str, Chosen]:
    return {
        method: choice.choose(
            [outcome for outcome in tuned if outcome.planned.method == method],
            facts.metric,
            higher=facts.higher_is_better,
            give_up=give_up,
            tested=_tested(plan, method, facts),
        )
        for method in plan.comparison.methods
    }


def _tested(plan: Plan, method: str, facts: Facts) -> list[int]:
    """Return the settings of a method that were scored on test by an earlier start."""
    settings = range(len(plan.settings[method]))
    finals = {number: plan.final(method, number) for number in settings}
    return [
        number
        for number, trials in finals.items()
        if any(read_outcome(trial, facts.paths[_key(trial)]).status == "finished" for trial in trials)
    ]


def _key(trial: Planned) -> tuple[str, int, int, bool]:
    return trial.method, trial.setting, trial.seed, "test" in trial.scored
