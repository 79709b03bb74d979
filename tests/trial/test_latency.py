"""The recorded time of prediction: with the adapter, and merged if possible."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from torch import nn

from pefbench.recipe import load_recipe
from pefbench.registry import find
from pefbench.results.validation import problem
from pefbench.trial import latency, run
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


def test_a_result_says_how_long_test_took_with_and_without_merging(world: World, out: Path) -> None:
    path = run.run(load_recipe(world.recipe("timed", train__epochs=4)), out, time_merged=True)
    result = json.loads(path.read_text(encoding="utf8"))
    found = result["inference"]
    assert found["seconds_per_1000"] > 0
    assert found["merged_seconds_per_1000"] > 0
    assert found["merged_same"] == 1.0
    assert found["processes"] == 1
    # what was saved is what was trained: merging came after it
    assert result["round_trip"]["reproduced"]
    assert problem(result) is None


@pytest.mark.parametrize("name", ["head_only", "bottleneck", "prefix", "full"])
def test_what_cannot_merge_is_left_as_it_is(name: str) -> None:
    method = find("method", name)(name=name)
    model = method.apply(tiny.token_classifier("bert"), "TOKEN_CLS")
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    assert not latency.merge(model, method)
    assert all(weight.equal(before[key]) for key, weight in model.state_dict().items())


def test_peft_may_refuse_to_merge() -> None:
    class Refuses(nn.Module):
        def merge_adapter(self) -> None:
            raise ValueError("not this one")

    assert not latency.merge(Refuses(), find("method", "lora")(name="lora"))


def test_seconds_are_those_of_a_thousand_examples() -> None:
    found = latency.measure((["a", "b", "c", "d"], 0.5), (["a", "b", "c", "e"], 0.25), lambda one, two: one == two, 2)
    assert found == {
        "seconds_per_1000": 125.0,
        "merged_seconds_per_1000": 62.5,
        "merged_same": 0.75,
        "processes": 2,
    }
