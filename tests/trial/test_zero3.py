"""DeepSpeed's ZeRO-3 on two CPU processes, over gloo, launched with deepspeed_zero3.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml

from pefbench.errors import RecipeError, UserError
from pefbench.paths import PROJECT, child_command
from pefbench.recipe import load_recipe
from pefbench.registry import names
from pefbench.trial import run, sharding, zero3
from tests.trial import test_generating
from tests.trial.test_processes import ROOT, finish, predictions, torchrun
from tests.trial.test_sharding import OPTIONS, alike_or_refused, same, saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.worlds import World

CONFIG = yaml.safe_load((PROJECT / "recipes" / "accelerate" / "deepspeed_zero3.yaml").read_text(encoding="utf8"))
ASKED: Mapping[str, str] = {
    "ACCELERATE_USE_DEEPSPEED": "true",
    **{
        setting.variable: str(CONFIG["deepspeed_config"][setting.name]).lower()
        for setting in zero3.SETTINGS
        if setting.name in CONFIG["deepspeed_config"]
    },
    "DS_ACCELERATOR": "cpu",
}
"""What `accelerate launch --config_file recipes/accelerate/deepspeed_zero3.yaml` puts into its workers' environment."""


@pytest.fixture
def deepspeed() -> None:
    pytest.importorskip("deepspeed", reason="pip install 'pefbench[deepspeed]'")


@pytest.mark.slow
@pytest.mark.usefixtures("deepspeed")
def test_sharded_processes_are_one_and_go_on_as_one(world: World, tmp_path: Path) -> None:
    """Two sharded processes, of which one is killed; then one alone, or two again; beside one that does it all."""
    train: dict[str, Any] = {"batch_size": 13, "micro_batch_size": 3, "keep": "best", "evaluate": 12}
    changes = {f"train__{key}": value for key, value in {**train, "epochs": 2, "checkpoint_steps": 10}.items()}
    still = {"name": f"file:{world.model}", "dropout": 0.0}
    recipe = world.recipe("sharded", evaluate={"batch_size": 4}, model=still, **changes)
    outs = [tmp_path / name for name in ("whole", "killed", "again", "gathered")]
    whole, killed, again, gathered = outs
    assert finish([*child_command("run"), recipe, "--out", whole], ROOT, seconds=600)[0] == 0
    for out in (killed, again):
        sabotaged = [*torchrun(2, "tests.trial.sabotaged"), "run", recipe, "--out", out]
        assert finish(sabotaged, ROOT, seconds=600, **ASKED, KILLED_RANK="1")[0] == 1
    [file] = killed.glob("*/*/checkpoint.pt")
    held, shapes = torch.load(file, weights_only=True)["steps"], {tuple(each.shape) for each in saved(whole).values()}
    assert {tuple(weight.shape) for weight in held["trained"].values()} == shapes
    assert {tuple(each["exp_avg_sq"].shape) for each in held["optimizer"]["state"].values()} == shapes
    status, _, said = finish([*child_command("run"), recipe, "--out", killed], ROOT, seconds=600)
    assert status == 0, said
    assert "resumed at step 10: started on 2 processes, now on 1" in said
    status, _, said = finish([*torchrun(2), "run", recipe, "--out", again], ROOT, seconds=600, **ASKED)
    assert status == 0, said
    # and what one process began, two sharded ones end
    alone = [*torchrun(1, "tests.trial.sabotaged"), "run", recipe, "--out", gathered]
    assert finish(alone, ROOT, seconds=600, KILLED_RANK="0")[0] == 1
    status, _, said = finish([*torchrun(2), "run", recipe, "--out", gathered], ROOT, seconds=600, **ASKED)
    assert status == 0, said
    assert "resumed at step 10: started on 1 processes, now on 2" in said
    for out in (killed, again, gathered):
        same(out, whole)
        assert predictions(out) == predictions(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("deepspeed")
@pytest.mark.parametrize("case", [*names("method"), *OPTIONS.keys() - names("method")])
def test_a_method_is_that_of_one_process_or_is_refused(case: str, world: World, tmp_path: Path) -> None:
    alike_or_refused(case, world, tmp_path, by="DeepSpeed", asked=ASKED)


@pytest.mark.slow
@pytest.mark.usefixtures("deepspeed")
def test_texts_are_generated_alike(tmp_path: Path) -> None:
    recipe, cache = test_generating.write(tmp_path, "summarization", ("document", "summary")), str(tmp_path / "cache")
    one, two = tmp_path / "one", tmp_path / "two"
    changes = ["-o", "train.evaluate=epoch"]
    for command, out, asked in ((child_command("run"), one, {}), ([*torchrun(2), "run"], two, ASKED)):
        told = [*command, recipe, *changes, "--out", out]
        status, _, said = finish(told, ROOT, seconds=600, **asked, PEFBENCH_CACHE=cache)
        assert status == 0, said
    same(two, one)
    texts = [[row["prediction"] for row in predictions(out)] for out in (one, two)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("changed", "installed", "message"),
    [
        ({}, False, r"^DeepSpeed is not installed: pip install 'pefbench\[deepspeed\]'$"),
        ({"DS_ACCELERATOR": "cuda"}, True, r"^DeepSpeed needs a CUDA GPU, and there is none; FSDP2 shards weights"),
        ({"ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}, True, r"^DeepSpeed: zero_stage is 2; it must be 3: FSDP2 or plain"),
        ({"ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": "cpu"}, True, r"offload_param_device is cpu; it must be none"),
        ({"ACCELERATE_DEEPSPEED_ZERO3_INIT": "true"}, True, r"zero3_init_flag is true; it must be false: methods are"),
        ({"ACCELERATE_DEEPSPEED_CONFIG_FILE": "ds.json"}, True, r"deepspeed_config_file is ds.json; it must be none"),
    ],
)
def test_what_does_not_work_is_refused_before_the_data_are_read(
    changed: dict[str, str],
    installed: bool,
    message: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in {**ASKED, **changed}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(zero3, "find_spec", lambda _: installed or None)
    monkeypatch.setattr("pefbench.trial.trial.prepare", lambda *_: pytest.fail("it read data"))
    with pytest.raises(UserError, match=message):
        run.run(load_recipe(world.recipe("refused")), tmp_path)


def test_half_precision_with_a_scaler_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(zero3.ASKED, "true")
    recipe = load_recipe(world.recipe("refused", train__precision="fp16"))
    with pytest.raises(RecipeError, match=r"^train\.precision: fp16 does not work with DeepSpeed; use bf16"):
        sharding.check(recipe, leaves_modules_out=False)
