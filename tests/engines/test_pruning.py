"""Training runs report to their study exactly once, also what an earlier process has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from optuna.trial import TrialState

from pefbench.engines.pruning import EXAMPLES, storage_of, watcher
from pefbench.search.samplers import sampler_of
from pefbench.search.space import Space
from pefbench.search.study import open_study

if TYPE_CHECKING:
    from pathlib import Path

    from optuna import Study

    from pefbench.engines.messages import Judged, PrunerName
    from pefbench.results.schema import CurvePoint

SPACE = Space.read({"train.learning_rate": [1, 2, 3]}, Any)  # type: ignore[arg-type]


def curve(*values: float | None) -> list[CurvePoint]:
    """Two points for each evaluation; None: the metric is not among its values."""
    found: list[CurvePoint] = []
    for epoch, value in enumerate(values, 1):
        scores = {} if value is None else {"accuracy": value}
        found += [
            {"step": 2 * epoch - 1, "epoch": epoch - 0.5, "loss": 1, "learning_rate": 0.1},
            {"step": 2 * epoch, "epoch": epoch, "loss": 1, "learning_rate": 0.1, "validation": scores},
        ]
    return found


def opened(file: Path) -> Study:
    sampler = sampler_of("random", SPACE, 3, 0)
    from optuna.pruners import NopPruner

    return open_study(str(file), "tiny", SPACE, sampler=sampler, pruner=NopPruner(), higher=True)


def judged(study: Study, file: Path) -> Judged:
    trial = study.ask()
    return {
        "storage": str(file),
        "study": "tiny",
        "trial": trial._trial_id,
        "metric": "accuracy",
        "pruner": "asha",
        "examples": 50,
    }


@pytest.mark.parametrize(("name", "stopped"), [("asha", 1), ("median", 1), ("wilcoxon", 4), ("none", None)])
def test_what_is_worse_is_stopped_as_soon_as_its_pruner_can_tell(
    name: PrunerName, stopped: int | None, tmp_path: Path
) -> None:
    file, ends = tmp_path / "journal.log", []
    study = opened(file)
    for level in (0.5, 0.51, 0.52, 0.53, 0.1, 0.9):
        asked: Judged = {**judged(study, file), "pruner": name}
        watch, values = watcher(asked), [level + epoch / 100 for epoch in range(6)]
        at = next((epoch for epoch in range(1, 7) if watch(curve(*values[:epoch]))), None)
        state = TrialState.COMPLETE if at is None else TrialState.PRUNED
        study.tell(asked["trial"], None if at else values[-1], state=state)
        ends.append(at)
    assert ends == [None, None, None, None, stopped, None]


def test_a_run_that_goes_on_reports_each_evaluation_at_its_own_place(tmp_path: Path) -> None:
    file = tmp_path / "journal.log"
    study = opened(file)
    request = judged(study, file)
    first = watcher(request)
    assert not first(curve(0.1))
    assert not first(curve(0.1, None))
    assert not watcher(request)(curve(0.1, None, 0.3)), "after a preemption, in the same trial"
    [trial] = study.get_trials()
    assert trial.intermediate_values == {1: 0.1, 3: 0.3}
    assert trial.user_attrs[EXAMPLES] == 3 * 50


def test_a_run_that_repeats_a_killed_trial_reports_what_that_one_had_seen(tmp_path: Path) -> None:
    file = tmp_path / "journal.log"
    study = opened(file)
    for value in (0.5, 0.6):
        watcher(judged(study, file))(curve(value))
    again = judged(study, file)
    assert watcher(again)(curve(0.1, 0.2)), "of three that reach the first rung one goes on"
    assert storage_of(str(file)).get_trial(again["trial"]).intermediate_values == {1: 0.1, 2: 0.2}
