"""No setting is proposed or paid for twice, and tuning ends when a space is exhausted."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from optuna import Study, Trial, create_study
from optuna.trial import TrialState

from pefbench.engines.pruning import propose_again
from pefbench.results.address import place_at
from pefbench.search import study
from pefbench.search.ranges import Choice, Range
from pefbench.search.samplers import SamplerName, sampler_of
from pefbench.search.space import Space
from pefbench.search.trials import Objective, Trials
from pefbench.search.tuning import Tuning
from pefbench.search.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.engines.messages import Message, TrialRequest
    from pefbench.recipe import Recipe
    from pefbench.results.verdict_schema import Setting

LISTED = Space({"train.learning_rate": Choice([1e-4, 1e-3, 1e-2]), "method.rank": Choice([2, 4])})
WHOLE = Space({"method.rank": Range(2, 7, log=False, whole=True), "train.warmup": Choice([0.1])})
EXAMPLES = 10


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("space", [LISTED, WHOLE], ids=["listed", "whole"])
def test_every_setting_is_proposed_once_before_any_is_again(sampler: SamplerName, space: Space) -> None:
    for seed in range(5):
        opened = create_study(direction="maximize", sampler=sampler_of(sampler, space, 6, seed))
        opened.optimize(lambda trial: space.suggest(trial)["method.rank"], n_trials=6)
        trials = opened.get_trials()
        assert len({space.key(trial.params) for trial in trials}) == 6
        assert trials[0].distributions == space.distributions()


def test_what_runs_and_what_waits_to_run_again_is_not_proposed() -> None:
    opened = create_study(sampler=sampler_of("tpe", LISTED, 6, 0))
    opened.enqueue_trial({"train.learning_rate": 1e-3, "method.rank": 4})
    waiting, running = opened.ask(), opened.ask()
    assert LISTED.suggest(waiting) == {"train.learning_rate": 1e-3, "method.rank": 4}
    opened.tell(waiting, state=TrialState.FAIL)
    propose_again(opened, opened.get_trials()[waiting.number])
    LISTED.suggest(running)
    others = [opened.ask() for _ in range(5)]
    assert LISTED.suggest(others[0]) == {"train.learning_rate": 1e-3, "method.rank": 4}
    assert len({json.dumps(LISTED.suggest(trial)) for trial in (running, *others)}) == 6


class _Method:
    """A method whose trials cost a run of one epoch each, and whose recipe is its setting."""

    method = name = "tiny"
    seed = 0

    def __init__(self, space: Space) -> None:
        self.space = space

    def recipe(self, setting: Setting) -> Recipe:
        return cast("Recipe", SimpleNamespace(setting=setting, train=SimpleNamespace(epochs=1)))

    def epochs(self, setting: Setting) -> float:
        del setting
        return 1


class _Trials(Trials):
    """Counts how often each setting is trained."""

    def __init__(self, wanted: Wanted, folder: Path, workers: int) -> None:
        super().__init__(wanted, place_at(folder), cast("Any", SimpleNamespace(size=workers, stopped=False)))
        self.trained: Counter[str] = Counter()

    def request(self, recipe: Recipe, scored: Sequence[str], out: object = None) -> TrialRequest:
        del scored, out
        return cast("TrialRequest", {"setting": cast("Any", recipe).setting})

    def run(self, request: TrialRequest) -> Message:
        setting = cast("Any", request)["setting"]
        self.trained[json.dumps(setting)] += 1
        value = 1 / setting["method.rank"]
        path = self.place.folder / f"{len(self.trained)}{setting['method.rank']}.json"
        path.write_text(json.dumps({"metrics": {"validation": {"score": {"value": value}}}}), encoding="utf8")
        return {"path": str(path)}


def tuning(folder: Path, trials: int, *, budget: int | None = None, workers: int = 1, space: Space = LISTED) -> Tuning:
    wanted = Wanted(Path("tiny.yaml"), folder, trials=trials, pruner="none")
    objective = Objective("score", higher=True, examples=EXAMPLES)
    return Tuning(_Method(space), _Trials(wanted, folder, workers), objective, "id.json", budget)


@pytest.fixture(autouse=True)
def _scores(monkeypatch: pytest.MonkeyPatch) -> None:
    def score(path: Path, metric: str) -> float:
        return float(json.loads(path.read_text(encoding="utf8"))["metrics"]["validation"][metric]["value"])

    monkeypatch.setattr("pefbench.search.tuning.score", score)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("trials", [4, 50])
def test_a_budget_pays_for_each_setting_once(trials: int, workers: int, tmp_path: Path) -> None:
    made = tuning(tmp_path, trials, budget=trials * EXAMPLES, workers=workers)
    made.spend()
    trained = cast("_Trials", made.trials).trained
    assert {*trained.values()} == {1}
    assert len(trained) == len(made.tried) == min(trials, 6)
    assert made.spent == len(trained) * EXAMPLES
    made.spend()
    assert sum(trained.values()) == len(made.tried)


def test_a_budget_pays_for_a_trial_that_is_slow_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, asked = Study.ask, itertools.count()

    def slowly(self: Study, *given: Any, **named: Any) -> Trial:
        time.sleep(0.5 if next(asked) == 1 else 0)
        return ask(self, *given, **named)

    monkeypatch.setattr(Study, "ask", slowly)
    made = tuning(tmp_path, 4, budget=4 * EXAMPLES, workers=2)
    made.spend()
    assert made.spent == 4 * EXAMPLES


def test_a_search_tries_no_more_than_there_are(tmp_path: Path) -> None:
    made = tuning(tmp_path, 50, workers=2)
    made.run()
    assert [*cast("_Trials", made.trials).trained.values()] == [1] * 6


def test_a_setting_that_another_process_runs_is_not_run_here(tmp_path: Path) -> None:
    made = tuning(tmp_path, 9)
    theirs = made.study.ask()
    setting = LISTED.suggest(theirs)
    made.study.enqueue_trial(setting)
    made.run()
    trained = cast("_Trials", made.trials).trained
    assert json.dumps(setting) not in trained
    assert len(trained) == 5
    repeated = [trial for trial in made.proposed if study.REPEATS in trial.user_attrs]
    assert theirs.number in {trial.user_attrs[study.REPEATS] for trial in repeated}
    assert not any(study.counted(trial) for trial in repeated)


@pytest.mark.parametrize("space", [LISTED, Space({"train.learning_rate": Range(1e-5, 1e-2, log=True)})])
def test_the_first_settings_are_spread(space: Space) -> None:
    for seed in range(10):
        opened = create_study(sampler=sampler_of("tpe", space, 9, seed))
        opened.optimize(lambda trial: space.suggest(trial)["train.learning_rate"], n_trials=3)
        parts = [space.parts(space.setting(trial.params), 3) for trial in opened.get_trials()]
        assert sorted(each["train.learning_rate"] for each in parts) == [0, 1, 2]
