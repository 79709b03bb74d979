"""Running out of memory: one line with what was requested, what was free, and what to set."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pefbench import hardware
from pefbench.errors import OutOfMemoryError
from pefbench.recipe import load_recipe
from pefbench.results import store
from pefbench.trial import out_of_memory
from pefbench.trial.loop import Training
from pefbench.trial.run import run

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.trial.out_of_memory import Doing
    from tests.worlds import World

CUDA = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.65 GiB of which 1.12 GiB is free."
)
MPS = "MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB). Tried to allocate 256.00 MB on private"
REQUESTS: dict[Any, str] = {
    torch.OutOfMemoryError(CUDA): r"2\.7 GB more requested; ",
    RuntimeError(MPS): r"268 MB more requested; ",
    MemoryError(): r"in training: \d",
    OSError(12, "Cannot allocate memory"): r"in training: \d",
    ImportError("libopenblas.so: failed to map segment from shared object"): r"in training: \d",
}


@pytest.mark.parametrize("error", REQUESTS, ids=lambda error: type(error).__name__)
def test_what_was_asked_and_what_there_was(world: World, error: Exception) -> None:
    recipe = load_recipe(world.recipe("memory"), ["train.batch_size=32"])
    with pytest.raises(OutOfMemoryError, match=REQUESTS[error]) as caught, out_of_memory.told("training", recipe):
        raise error
    assert f"of {hardware.total_memory() / 1e9:.1f} GB of main memory were free" in str(caught.value)
    assert "set train.micro_batch_size=16" in str(caught.value)


def test_the_cpus_own_allocator(world: World) -> None:
    recipe = load_recipe(world.recipe("memory"))
    with (
        pytest.raises(OutOfMemoryError, match=r"1126 TB more requested"),
        out_of_memory.told("training", recipe),
    ):
        torch.empty(2**50, dtype=torch.uint8)


def test_the_gpu_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "kind", lambda: "cuda")
    monkeypatch.setattr(hardware, "gpu_name", lambda: "NVIDIA T4")
    monkeypatch.setattr(hardware, "available_memory", lambda: 2**30)
    monkeypatch.setattr(hardware, "total_memory", lambda: 16 * 2**30)
    with (
        pytest.raises(OutOfMemoryError, match=r"1\.1 GB of 17\.2 GB of NVIDIA T4 were free"),
        out_of_memory.told("training", load_recipe(world.recipe("memory"))),
    ):
        raise torch.OutOfMemoryError(CUDA)


@pytest.mark.parametrize(
    ("doing", "changes", "processes", "expected"),
    [
        ("training", ["train.batch_size=32"], 2, r"16 examples of .* train\.micro_batch_size=8"),
        ("training", ["train.batch_size=32", "train.micro_batch_size=4"], 2, r"train\.micro_batch_size=2"),
        ("training", ["train.batch_size=1"], 1, r"lower train\.max_length, quantise the base"),
        ("predicting", ["evaluate.batch_size=64"], 1, r"evaluate\.batch_size=32"),
        ("predicting", ["evaluate.batch_size=1"], 1, r"lower train\.max_length"),
        ("loading the model", [], 1, r"model\.quantize=nf4"),
        ("scoring", [], 1, r"with more memory, the same command goes on from there"),
    ],
)
def test_what_to_set(world: World, doing: Doing, changes: list[str], processes: int, expected: str) -> None:
    recipe = load_recipe(world.recipe("memory"), changes)
    with pytest.raises(OutOfMemoryError, match=expected), out_of_memory.told(doing, recipe, processes):
        raise MemoryError


def test_other_errors_pass(world: World) -> None:
    told_already = OutOfMemoryError("out of memory in predicting")
    for error in (RuntimeError("shapes"), OSError(2, "no such file"), ValueError("x"), told_already):
        with pytest.raises(type(error)) as caught, out_of_memory.told("training", load_recipe(world.recipe("memory"))):
            raise error
        assert caught.value is error


@pytest.mark.parametrize(("free", "expected"), [(2**20, OutOfMemoryError), (2**33, RuntimeError)])
def test_onednn_means_memory_where_there_is_little(
    world: World, monkeypatch: pytest.MonkeyPatch, free: int, expected: type[Exception]
) -> None:
    monkeypatch.setattr(hardware, "available_memory", lambda: free)
    recipe = load_recipe(world.recipe("memory"))
    said = r"^(out of memory in training: |could not create a primitive$)"
    with pytest.raises(expected, match=said) as caught, out_of_memory.told("training", recipe):
        raise RuntimeError("could not create a primitive")
    assert type(caught.value) is expected


def test_what_filled_the_memory_is_let_go(world: World) -> None:
    seen: list[Any] = []

    def fill() -> None:
        large = torch.ones(1000)
        seen.append(weakref.ref(large))
        raise MemoryError

    with pytest.raises(OutOfMemoryError) as caught, out_of_memory.told("training", load_recipe(world.recipe("memory"))):
        fill()
    gc.collect()
    assert caught.value is not None
    assert seen[0]() is None, "the traceback would hold it, and the next trial would have less"


@pytest.mark.parametrize("place", ["a step", "a prediction"])
def test_a_trial_fails_with_it(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError(CUDA)

    if place == "a step":
        monkeypatch.setattr(Training, "_step", fails)
    else:
        monkeypatch.setattr("pefbench.trial.predict.predict", fails)
    recipe = load_recipe(world.recipe("memory", train__epochs=1))
    doing = "training" if place == "a step" else "predicting"
    with pytest.raises(OutOfMemoryError, match=rf"^out of memory in {doing}: 2\.7 GB more requested"):
        run(recipe, tmp_path)
    (path,) = tmp_path.glob("*/*.json")
    result = store.read_result(path)
    assert (result["status"], result["error_type"]) == ("failed", "OutOfMemoryError")
    assert "batch_size=" in str(result["error"])
    assert "\n" not in str(result["error"])


def test_what_was_trained_is_scored_when_there_is_memory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ImportError("libopenblas.so: failed to map segment from shared object")

    recipe = load_recipe(world.recipe("memory", train__epochs=1))
    with monkeypatch.context() as patch:
        patch.setattr("pefbench.trial.trial.score_trial", fails)
        with pytest.raises(
            OutOfMemoryError, match=r"^out of memory in scoring: .*the same command goes on from there$"
        ):
            run(recipe, tmp_path)
    monkeypatch.setattr(Training, "_step", fails)
    assert store.read_result(run(recipe, tmp_path))["status"] == "finished"
