"""The head's own learning rate: which weights have it, that they train, and models without a head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import RecipeError
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.trial import build, run
from pefbench.trial.optimizer import check_head_rate, make_optimizer, shares_its_rate
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

METHODS = ("full", "head_only", "lora", "ia3", "bottleneck", "prefix", "mam", "p_tuning")


@pytest.mark.parametrize("method", METHODS)
def test_the_head_alone_has_its_own_rate(world: World, method: str) -> None:
    recipe = load_recipe(world.recipe("rates", method={"name": method}, train__head_learning_rate=0.5))
    prepared = prepare(recipe, Phases())
    model = build.with_method(prepared, build.pretrained(prepared))
    groups = make_optimizer(model, recipe.method, recipe.train).param_groups
    faster = {id(weight) for group in groups if group["peak"] == 0.5 for weight in group["params"]}
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    heads = {name for name in trained if "classifier" in name}
    assert heads
    assert {name for name, weight in trained.items() if id(weight) in faster} == heads
    assert sum(len(group["params"]) for group in groups) == len(trained)
    assert not shares_its_rate(model, recipe.train)
    one_rate = recipe.train.model_copy(update={"head_learning_rate": None})
    assert shares_its_rate(model, one_rate) == (method != "head_only")


def test_a_head_at_its_own_rate_trains_otherwise_and_is_part_of_the_id(world: World, out: Path) -> None:
    curves, paths = [], []
    for rate in (None, 0.05):
        recipe = world.recipe("own", method={"name": "lora"}, train__epochs=1, train__head_learning_rate=rate)
        paths.append(run.run(load_recipe(recipe), out))
        curves.append([point["loss"] for point in read_result(paths[-1])["curve"]])
    assert paths[0].stem != paths[1].stem
    assert curves[0] != curves[1]
    assert "head_learning_rate" not in read_result(paths[0])["recipe"]["train"]


@pytest.mark.parametrize("architecture", tiny.DECODERS[:1] + tiny.ENCODER_DECODERS[:1])
def test_a_model_without_a_head_is_refused_before_training(world: World, architecture: str) -> None:
    train = load_recipe(world.recipe("none", train__head_learning_rate=0.5)).train
    with pytest.raises(RecipeError, match=r"train\.head_learning_rate: \w+ has no head besides its pretrained output"):
        check_head_rate(tiny.model(architecture), train)
    one_rate = train.model_copy(update={"head_learning_rate": None})
    check_head_rate(tiny.model(architecture), one_rate)
    assert not shares_its_rate(tiny.model(architecture), one_rate)
