"""The record of a trial: whatever it has reached, its result is one by the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DivergedError
from pefbench.recipe import load_recipe
from pefbench.results.validation import problem
from pefbench.trial.record import TrialRecord, origin_of
from tests.sample_results import sample

if TYPE_CHECKING:
    from tests.worlds import World


@pytest.fixture
def record(world: World) -> TrialRecord:
    recipe = load_recipe(world.recipe("recorded"))
    origin = origin_of(recipe, command="pefbench run recorded.yaml", world_size=1, started="2026-01-01T00:00:00+00:00")
    return TrialRecord("0123456789ab", recipe, ("validation", "test"), origin)


def test_a_trial_that_failed_at_once_has_a_result(record: TrialRecord) -> None:
    result = record.fail(DivergedError("the loss is not finite"))
    assert problem(result) is None
    assert (result["status"], result["error"]) == ("failed", "the loss is not finite")
    assert result["error_type"] == "DivergedError"
    assert result["provenance"]["finished"] > result["provenance"]["started"]


def test_an_error_of_ours_says_its_kind_and_its_first_line(record: TrialRecord) -> None:
    result = record.fail(RuntimeError("a bug\nof ours"))
    assert result["error"] == "RuntimeError: a bug"


def test_a_finished_trial_has_all_that_it_reached(record: TrialRecord) -> None:
    other = sample()
    record.add(data=other["data"], model=other["model"])
    record.add(phases=other["phases"], metrics=other["metrics"], headline=other["headline"])
    result = record.finish()
    assert problem(result) is None
    assert result["metrics"] == other["metrics"]
    assert "error_type" not in result
    assert "curve" not in result
