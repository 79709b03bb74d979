"""Sharing between trials of one process: bitwise the same numbers as in a trial alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import load_file

from pefbench.models import loading
from pefbench.recipe import load_recipe
from pefbench.trial import corpus, predict, run
from pefbench.trial.cache import Shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from tests.worlds import World


def trial(recipe: Path, out: Path, shared: Shared | None, **options: Any) -> dict[str, Any]:
    path = run.run(load_recipe(recipe), out, shared=shared, **options)
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return result


def noted(notes: list[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, with a note of each call: its `what`, where it has one, or `name`."""

    def call(*given: Any, **options: Any) -> Any:
        notes.append(options.get("what", name))
        return function(*given, **options)

    return call


def weights(out: Path, name: str) -> dict[str, torch.Tensor]:
    [file] = (out / name).glob("*/model/*.safetensors")
    return load_file(file)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_after_other_trials_a_trial_is_bit_for_bit_the_same(world: World, out: Path, method: str) -> None:
    recipe = world.recipe(f"shared_{method}", method={"name": method})
    alone = trial(recipe, out / "alone", None)
    shared = Shared()
    before = world.recipe("before", method={"name": "full"}, train__learning_rate=0.1)  # changes every weight
    trial(before, out / "shared", shared, scored=["validation"])
    together = trial(recipe, out / "shared", shared)
    assert together["curve"] == alone["curve"]
    assert together["metrics"] == alone["metrics"]
    assert together["id"] == alone["id"]
    one, other = weights(out / "alone", recipe.stem), weights(out / "shared", recipe.stem)
    assert one.keys() == other.keys()
    assert all(one[name].equal(other[name]) for name in one)


def test_data_and_weights_are_read_once(world: World, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(corpus, "load", noted(read, "data", corpus.load))
    monkeypatch.setattr(loading, "read_weights", noted(read, "weights", loading.read_weights))
    shared = Shared()
    for rate in (0.01, 0.02):
        trial(world.recipe("once", train__learning_rate=rate), out, shared, scored=["validation"])
    assert read == ["data", "weights"]
    trial(world.recipe("once", data__leaks="keep"), out, shared, scored=["validation"])
    assert read == ["data", "weights", "data"]


def test_what_tokens_depend_on_is_not_shared(world: World, out: Path) -> None:
    shared = Shared()
    tokens = []
    for changes in ({}, {"train__max_length": 8}, {"train__max_examples": 50}, {"train__max_examples": 50, "seed": 1}):
        seed = {"data__seed": changes.pop("seed", 0)}
        result = trial(world.recipe("tokens", train__epochs=0.2, **changes, **seed), out, shared, scored=["validation"])
        alone = trial(
            world.recipe("tokens", train__epochs=0.2, **changes, **seed), out / "alone", None, scored=["validation"]
        )
        assert result["data"]["splits"]["train"] == alone["data"]["splits"]["train"]
        tokens.append(result["data"]["splits"]["train"]["tokens"])
    assert len(set(tokens)) == 4


def test_a_tuning_trial_never_sees_the_test_split(world: World, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted: list[str] = []
    monkeypatch.setattr(predict, "predict", noted(predicted, "", predict.predict))
    trial(world.recipe("tuning", train__evaluate="none"), out / "once", None, scored=["validation"])
    assert predicted == ["validation"]
    recipe = world.recipe("tuning", train__epochs=2)
    result = trial(recipe, out, None, scored=["validation"])
    assert predicted == ["validation"] * 3, "once after each epoch, and not again at the end"
    assert result["status"] == "finished"
    assert result["scored"] == ["validation"]
    assert set(result["metrics"]) == {"validation"}
    assert set(result["data"]["splits"]) == {"train", "validation"}
    assert "baselines" not in result
    assert [file.name for file in (out / "tuning").iterdir()] == [f"{result['id']}.json"]
    assert trial(recipe, out, None)["id"] != result["id"]
