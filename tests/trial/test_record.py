"""The record of a trial gives a valid result, however far the trial got."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pefbench.errors import DivergedError
from pefbench.heads import Encoded
from pefbench.recipe import load_recipe
from pefbench.results.validation import problem
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from pefbench.trial.record import TrialRecord, data_of, origin_of
from tests.sample_results import sample

if TYPE_CHECKING:
    from tests.worlds import World


@pytest.fixture
def record(world: World) -> TrialRecord:
    recipe = load_recipe(world.recipe("recorded"))
    origin = origin_of(recipe, command="pefbench run recorded.yaml", world_size=1, started="2026-01-01T00:00:00+00:00")
    return TrialRecord("0123456789ab", recipe, ("validation", "test"), origin)


def test_the_tokens_of_a_split_are_those_of_all_rows_of_its_examples(world: World) -> None:
    lengths = (3, 5, 4)
    encoded = Encoded(
        features={"input_ids": [np.zeros(length, dtype=np.int64) for length in lengths]},
        targets=np.ones(2, dtype=np.int64),
        decoding=[None, None],
        rows=np.asarray([2, 1]),
    )
    prepared = prepare(load_recipe(world.recipe("recorded")), Phases())
    split = data_of(replace(prepared, encoded={"test": encoded}))["splits"]["test"]
    assert (split["examples"], split["tokens"]) == (2, sum(lengths))


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
