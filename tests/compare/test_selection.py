"""Each method's selection: by validation alone, and never while it may still change."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pefbench.compare.plan import Outcome
from pefbench.compare.selection import select


def trial(setting: int, value: float | None, status: str = "finished", seed: int = 0) -> Outcome:
    result = {"metrics": {"validation": {"f1": {"value": value}}, "test": {"f1": {"value": 1.0 - (value or 0)}}}}
    planned = SimpleNamespace(setting=setting, seed=seed, scored=("validation",), text="")
    found: Any = Outcome(
        cast("Any", planned), Path(), cast("Any", status), cast("Any", result if value is not None else None)
    )
    return cast("Outcome", found)


def test_the_best_on_validation_is_chosen_the_first_of_equals() -> None:
    tuned = [trial(0, 0.2), trial(1, 0.5), trial(2, 0.5)]
    assert select(tuned, "f1", higher=True).setting == 1
    assert select(tuned, "f1", higher=False).setting == 0


def test_settings_are_judged_by_the_mean_over_seeds() -> None:
    tuned = [trial(0, 0.9, seed=0), trial(0, 0.1, seed=1), trial(1, 0.6, seed=0), trial(1, 0.6, seed=1)]
    found = select(tuned, "f1", higher=True)
    assert (found.setting, found.values) == (1, [0.5, pytest.approx(0.6)])


@pytest.mark.parametrize("higher", [True, False])
def test_a_setting_that_failed_is_not_chosen(higher: bool) -> None:
    found = select([trial(0, None, "failed"), trial(1, 0.0)], "f1", higher=higher)
    assert (found.setting, found.values) == (1, [None, 0.0])
    failed = select([trial(0, None, "failed")], "f1", higher=higher)
    assert (failed.setting, failed.notes) == (None, ["every setting failed"])


def test_while_a_trial_is_missing_there_is_no_choice() -> None:
    tuned = [trial(0, 0.2), trial(1, None, "missing")]
    assert select(tuned, "f1", higher=True).setting is None
    given_up = select(tuned, "f1", higher=True, give_up=True)
    assert given_up.setting == 0
    assert "1 tuning trial died" in given_up.notes[0]


def test_a_choice_that_test_has_seen_stands_while_trials_are_missing() -> None:
    tuned = [trial(0, 0.2), trial(1, 0.4), trial(2, None, "missing")]
    assert select(tuned, "f1", higher=True, tested=[0]).setting == 0
    changed = select([trial(0, 0.2), trial(1, 0.4)], "f1", higher=True, tested=[0])
    assert changed.setting == 1
    assert "test was scored with 1 other setting before" in changed.notes[0]
