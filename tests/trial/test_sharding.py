"""FSDP2 on two CPU processes, over gloo, launched with the files in recipes/accelerate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from pefbench.errors import MethodError, RecipeError, UserError
from pefbench.paths import PROJECT, child_command
from pefbench.recipe import load_recipe
from pefbench.registry import names
from pefbench.trial import fsdp2, run, sharding
from tests.trial import test_generating
from tests.trial.test_processes import ROOT, finish, predictions, result, torchrun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from tests.worlds import World

FILES = PROJECT / "recipes" / "accelerate"
ASKED: Mapping[str, Any] = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
}
"""What `accelerate launch --config_file recipes/accelerate/fsdp2_cpu.yaml` puts into its workers' environment."""


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "dora": {"name": "lora", "dora": True},
    "pissa": {"name": "lora", "init": "pissa"},
    "lora_bias": {"name": "lora", "bias": "lora_only", "b_learning_rate_ratio": 4.0},
    "peft": {"type": "RANDLORA", "options": {"r": 4, "randlora_alpha": 8}},
}
"""Methods with options: further cases, and what a method must be told."""


def saved(out: Path) -> dict[str, Tensor]:
    [file] = out.glob("*/*/model/*.safetensors")
    weights: dict[str, Tensor] = load_file(file)
    return weights


def test_sharded_processes_are_one_and_go_on_as_one(world: World, tmp_path: Path) -> None:
    """Two sharded processes, of which one is killed; then one alone; beside one that does it all."""
    # 13 examples a step in micro-batches of 3: the processes have different numbers of them
    train: dict[str, Any] = {"batch_size": 13, "micro_batch_size": 3, "keep": "best", "evaluate": 12}
    changes = {f"train__{key}": value for key, value in {**train, "epochs": 2, "checkpoint_steps": 10}.items()}
    recipe = world.recipe("sharded", evaluate={"batch_size": 4}, **changes)
    whole, two, killed = (tmp_path / name for name in ("whole", "two", "killed"))
    assert finish([*child_command("run"), recipe, "--out", whole], ROOT, seconds=600)[0] == 0
    status, printed, said = finish([*torchrun(2), "run", recipe, "--out", two], ROOT, seconds=600, **ASKED)
    assert status == 0, said
    assert printed.count("round trip: reproduced") == 1
    sabotaged = [*torchrun(2, "tests.trial.sabotaged"), "run", recipe, "--out", killed]
    assert finish(sabotaged, ROOT, seconds=600, **ASKED, KILLED_RANK="1")[0] == 1
    [file] = killed.glob("*/*/checkpoint.pt")
    names, shapes = saved(whole).keys(), {tuple(weight.shape) for weight in saved(whole).values()}
    held = torch.load(file, weights_only=True)["steps"]
    assert {name.replace(".default", "") for name in held["trained"]} == {
        name.replace("classifier.", "classifier.modules_to_save.") for name in names
    }
    moments = held["optimizer"]["state"].values()
    assert {tuple(weight.shape) for weight in held["trained"].values()} == shapes
    assert {tuple(each["exp_avg"].shape) for each in moments} == shapes
    status, _, said = finish([*child_command("run"), recipe, "--out", killed], ROOT, seconds=600)
    assert status == 0, said
    assert "resumed at step 10: started on 2 processes, now on 1" in said

    for out in (two, killed):
        same(out, whole)
        assert predictions(out) == predictions(whole)


def same(two: Path, one: Path) -> None:
    """Two results agree in all but rounding."""
    found, expected = result(two), result(one)
    assert found["id"] == expected["id"]
    assert found["model"] == expected["model"], "weights are counted before they are sharded"
    assert found["kept"] == expected["kept"]
    losses = [[point["loss"] for point in each["curve"]] for each in (found, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert found["metrics"] == expected["metrics"]
    torch.testing.assert_close(saved(two), saved(one), rtol=1e-3, atol=1e-4)


def alike_or_refused(case: str, world: World, folder: Path, *, by: str, asked: Mapping[str, Any]) -> None:
    """A method trains on two sharded processes what it does in one, or is refused. by: what shards."""
    method = {"name": case, **OPTIONS.get(case, {})}
    still = {"name": f"file:{world.model}", "dropout": 0.0}
    recipe = world.recipe("each", model=still, method=method, train__epochs=1, train__batch_size=13)
    two = folder / "two"
    status, printed, said = finish([*torchrun(2), "run", recipe, "--out", two], ROOT, seconds=600, **asked)
    if why := load_recipe(recipe).method.why_not_sharded:
        assert status != 0  # the launcher's own
        [refused] = {line for line in said.splitlines() if line.startswith("error: ")}
        assert refused.endswith(f"method {case}: does not work with {by}: {why}")
        assert not [*two.rglob("*.json")]
        return
    assert status == 0, said
    assert printed.count("round trip: reproduced") == 1
    run.run(load_recipe(recipe), folder / "one")
    assert result(two)["provenance"]["world_size"] == 2
    same(two, folder / "one")


@pytest.mark.slow
@pytest.mark.parametrize("case", [*names("method"), *OPTIONS.keys() - names("method")])
def test_a_method_is_that_of_one_process_or_is_refused(case: str, world: World, tmp_path: Path) -> None:
    alike_or_refused(case, world, tmp_path, by="FSDP", asked=ASKED)


def test_texts_are_generated_alike(tmp_path: Path) -> None:
    """A decoder of two sharded processes: both generate each text, and what is saved generates the same."""
    recipe, cache = test_generating.write(tmp_path, "summarization", ("document", "summary")), str(tmp_path / "cache")
    one, two = tmp_path / "one", tmp_path / "two"
    changes = ["-o", "train.evaluate=epoch"]
    status, _, said = finish(
        [*child_command("run"), recipe, *changes, "--out", one], ROOT, seconds=600, PEFBENCH_CACHE=cache
    )
    assert status == 0, said
    status, printed, said = finish(
        [*torchrun(2), "run", recipe, *changes, "--out", two], ROOT, seconds=600, **ASKED, PEFBENCH_CACHE=cache
    )
    assert status == 0, said
    assert printed.count("round trip: reproduced") == 1
    expected, found = result(one), result(two)
    assert found["provenance"]["world_size"] == 2
    assert found["id"] == expected["id"]
    assert found["model"] == expected["model"]
    for point, other in zip(found["curve"], expected["curve"], strict=True):
        assert point["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert point.get("validation", {}) == pytest.approx(other.get("validation", {}), rel=1e-4)
    texts = [[row["prediction"] for row in predictions(out)] for out in (one, two)]
    assert texts[0] == texts[1]
    torch.testing.assert_close(saved(two), saved(one), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ACCELERATE_USE_FSDP": "true"}, r"^FSDP: fsdp_version is 1; it must be 2: version 1 flattens"),
        ({**ASKED, "FSDP_OFFLOAD_PARAMS": "true"}, r"^FSDP: fsdp_offload_params is true; it must be false"),
        ({**ASKED, "FSDP_ACTIVATION_CHECKPOINTING": "True"}, r"is True; it must be false: set train.recompute"),
    ],
)
def test_what_does_not_work_is_refused_before_the_data_are_read(
    asked: dict[str, str], message: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in asked.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("pefbench.trial.trial.prepare", lambda *_: pytest.fail("it read data"))
    with pytest.raises(UserError, match=message):
        run.run(load_recipe(world.recipe("refused")), tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model__quantize": "nf4"}, RecipeError, r"^model\.quantize: FSDP cannot shard nf4 weights; launch without"),
        ({"method": {"name": "adalora"}}, MethodError, r"^method adalora: does not work with FSDP: it ranks"),
        ({"train__optimizer": "adamw8bit"}, RecipeError, r"^train\.optimizer: FSDP cannot shard the moments of"),
    ],
)
def test_recipes_that_cannot_train_so_are_refused(
    changes: dict[str, Any], error: type[UserError], message: str, world: World
) -> None:
    with pytest.raises(error, match=message):
        sharding.check(load_recipe(world.recipe("refused", **changes)), leaves_modules_out=False)


def test_what_is_left_out_at_random_is_refused(world: World) -> None:
    with pytest.raises(RecipeError, match=r"^FSDP: layers or updates are left out at random"):
        sharding.check(load_recipe(world.recipe("refused")), leaves_modules_out=True)


def test_the_files_ask_for_nothing_that_is_refused() -> None:
    files = {file.stem: yaml.safe_load(file.read_text(encoding="utf8")) for file in FILES.glob("fsdp2*.yaml")}
    assert files.keys() == {"fsdp2", "fsdp2_cpu"}
    for content in files.values():
        for setting in fsdp2.SETTINGS:
            assert str(content["fsdp_config"][setting.name]).lower() == setting.works
