"""Whether a finished result is of the model that its folder holds now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from safetensors.torch import load_file, save_file

from pefbench.engines import worker
from pefbench.errors import DataError
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.trial import run
from pefbench.trial.cache import Shared
from tests.sources.refusals import refusal
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def other_weights(file: Path) -> None:
    save_file({name: weight * 1.5 for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})


def other_epsilon(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"layer_norm_eps": 1e-4}))


def other_alpha(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"lora_alpha": 3}))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with a trained LoRA in results/first, and a trial that went on from it in results/second."""
    own = World(tmp_path_factory.mktemp("changed"))
    first = run.run(load_recipe(own.recipe("first", train__epochs=0.3)), own.folder / "results")
    adapter = first.with_suffix("") / "model"
    for file in adapter.iterdir():  # a plain adapter, of which no trial says what its files were
        (own.folder / "adapter").mkdir(exist_ok=True)
        content = file.read_bytes().replace(b'"file:model"', f'"file:{own.model}"'.encode())
        (own.folder / "adapter" / file.name).write_bytes(content)
    second(own)
    return own


def second(own: World, **options: Any) -> Path:
    recipe = own.recipe("second", model={"name": f"file:{own.folder / 'adapter'}"}, train__epochs=0.3)
    return run.run(load_recipe(recipe), own.folder / "results", **options)


def inspected(recipe: dict[str, Any], out: str) -> Any:
    """What the worker of a comparison says of the trial."""
    trial = {"recipe": recipe, "scored": ["validation", "test"], "out": out, "command": ""}
    return worker.answer(cast("Any", {"do": "inspect", "trials": [trial]}), Shared())


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        ("model/model.safetensors", other_weights, "the weights of {name} have changed since it was trained"),
        ("model/config.json", other_epsilon, "the config or tokenizer of {name} has changed since it was trained"),
        ("adapter/adapter_model.safetensors", other_weights, "the weights of {name} have changed since it was trained"),
        (
            "adapter/adapter_config.json",
            other_alpha,
            "the config or tokenizer of {name} has changed since it was trained",
        ),
    ],
)
def test_a_model_that_changed_in_place_is_not_taken_for_the_old_one(
    own: World, file: str, change: Callable[[Path], None], expected: str
) -> None:
    path, changed = second(own), own.folder / file
    name = f"file:{own.folder / 'adapter'}"
    recipe = load_recipe(own.folder / "second.yaml").resolved()
    out = str(own.folder / "results")
    before = changed.read_bytes()
    change(changed)
    try:
        told = f"{path}: {expected.format(name=name)}"
        assert refusal(DataError, second, own).startswith(f"{told}; --rerun")
        answer = inspected(recipe, out)
        assert answer["exit_status"] == 2
        assert answer["error"].startswith(told)
    finally:
        changed.write_bytes(before)
    assert second(own) == path
    assert inspected(recipe, out)["paths"] == [str(path)]


def test_rerun_trains_from_the_new_weights(own: World) -> None:
    before = read_result(second(own))
    other_weights(own.folder / "model" / "model.safetensors")
    after = read_result(second(own, rerun=True))
    assert after["id"] == before["id"]
    assert after["model"]["fingerprint"] != before["model"]["fingerprint"]
    assert after["curve"] != before["curve"]
    assert second(own)
