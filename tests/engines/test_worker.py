"""A worker looks for a trial's result where the trial writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.compare.plan import Plan
from pefbench.engines import worker
from pefbench.recipe import load_resolved
from pefbench.results.address import place_at
from pefbench.trial.cache import Shared
from pefbench.trial.trial import Trial
from tests.compare import files
from tests.worlds import World

if TYPE_CHECKING:
    from pathlib import Path

POSITIONS = 64
"""Of the world's model; the task's default maximum length is greater."""


def test_a_default_length_that_gives_way_to_the_model_is_in_the_id(tmp_path: Path) -> None:
    world = World(tmp_path)
    file = files.write(world)
    recipe = tmp_path / "base.yaml"
    text = recipe.read_text(encoding="utf8")
    recipe.write_text(text.replace("  max_length: 32\n", ""), encoding="utf8")
    [planned, *_] = Plan(file).tuning()
    assert planned.recipe.train.max_length > POSITIONS
    request = planned.request(place_at(tmp_path / "out"))
    found = worker._inspect({"do": "inspect", "trials": [request]}, Shared())
    trial = Trial(load_resolved(request["recipe"]), tmp_path / "out", scored=request["scored"])
    assert trial.recipe.train.max_length == POSITIONS
    assert found["paths"] == [str(trial.path)]
