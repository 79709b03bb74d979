"""Several processes, killed processes, and every way to start one, by the real command line.

`child_command` and `torchrun` start it by forks of a process that has imported everything (tests/zygote.py); what is
about the start itself has real interpreters.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from transformers import AutoModel

from pefbench import paths
from pefbench.paths import PROJECT, child_command
from tests import tiny
from tests.worlds import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.worlds import World

ROOT = PROJECT
BIN = Path(sys.executable).parent
# pytest's workers share two cores; what is started here takes one thread a process
QUIET: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1", "PYTHONWARNINGS": "default"}


def start(command: Sequence[object], folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | QUIET | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(
    command: Sequence[object], folder: Path, *, seconds: float = 180, **environment: str
) -> tuple[int, str, str]:
    """Run a command to its end: exit status, standard output, standard error. A hang is a failure."""
    process = start(command, folder, **environment)
    try:
        printed, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, printed, said


def torchrun(processes: int, module: str = "pefbench") -> list[object]:
    return [paths.INTERPRETER, "-m", "torch.distributed.run", *workers(processes), "--no-python", *child(module)]


def workers(processes: int) -> list[object]:
    """The options of torchrun, with a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ["--nproc-per-node", processes, "--master-addr", "127.0.0.1", "--master-port", port]


def child(module: str) -> list[object]:
    return [paths.INTERPRETER, "-m", module]


def result(out: Path) -> dict[str, Any]:
    [file] = out.glob("*/*.json")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf8"))
    return loaded


def predictions(out: Path) -> list[Any]:
    [file] = out.glob("*/*/predictions.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf8").split("\n") if line]


def still(world: World, name: str, **changes: Any) -> Path:
    """Return a recipe without dropout, whose random numbers depend on the process."""
    return world.recipe(name, model={"name": f"file:{world.model}", "dropout": 0.0}, **changes)


def test_two_processes_are_one(world: World, tmp_path: Path) -> None:
    """With the model's dropout and the method's, and a step that is chosen on validation."""
    # 13 examples a step and 15 to validate on: nothing divides by two, and one step leaves a process without examples
    lora = {"name": "lora", "dropout": 0.2}
    train: dict[str, Any] = {"train__batch_size": 13, "train__epochs": 3, "train__keep": "best", "train__evaluate": 12}
    recipe = world.recipe("twice", method=lora, evaluate={"batch_size": 4}, **train)
    for name, command in (("one", child_command("run")), ("two", [*torchrun(2), "run"])):
        status, printed, said = finish([*command, recipe, "--out", tmp_path / name], ROOT)
        assert status == 0, said
        assert printed.count("round trip: reproduced") == 1
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    assert (one["provenance"]["world_size"], two["provenance"]["world_size"]) == (1, 2)
    assert one["id"] == two["id"], "dropout is drawn by example"
    assert one["data"] == two["data"]
    curves = [[point["loss"] for point in run["curve"]] for run in (one, two)]
    assert curves[0] == pytest.approx(curves[1], rel=1e-3)
    assert one["phases"]["train"]["tokens"] == two["phases"]["train"]["tokens"]
    assert one["metrics"] == two["metrics"]
    scores = [[point["validation"] for point in run["curve"] if "validation" in point] for run in (one, two)]
    assert len(scores[0]) == 4
    assert scores[0] == scores[1]
    assert one["kept"] == two["kept"]
    assert predictions(tmp_path / "one") == predictions(tmp_path / "two")
    assert [line["id"] for line in predictions(tmp_path / "two")] == list(
        range(one["data"]["splits"]["test"]["examples"])
    )


def test_two_processes_are_one_for_a_decoder(world: World, tmp_path: Path) -> None:
    """With the dropout of its embeddings, its attentions, its layers and its adapters, on sentences of documents."""
    marked = ["-DOCSTART- O\n\n" * (at % 4 == 0) + line_by_line(each) for at, each in enumerate(sentences(160, seed=2))]
    (tmp_path / "documents.conll").write_text("\n".join(marked), encoding="utf8")
    data = {"source": f"file:{tmp_path / 'documents.conll'}", "group": "document"}
    shutil.copytree(world.model, tmp_path / "model")
    vocabulary = json.loads((world.model / "config.json").read_text())["vocab_size"]
    AutoModel.from_config(tiny.config("gpt2", vocab_size=vocabulary)).save_pretrained(tmp_path / "model")
    model, method = {"name": f"file:{tmp_path / 'model'}"}, {"name": "bottleneck", "dropout": 0.2}
    recipe = world.recipe("decoder", model=model, data=data, method=method, train__batch_size=13, train__epochs=1)
    for name, command in (("one", child_command("run")), ("two", [*torchrun(2), "run"])):
        status, _, said = finish([*command, recipe, "--out", tmp_path / name], ROOT)
        assert status == 0, said
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    assert one["id"] == two["id"]
    losses = [[point["loss"] for point in run["curve"]] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert one["data"] == two["data"]
    assert one["metrics"] == two["metrics"]
    answered = predictions(tmp_path / "one")
    assert answered == predictions(tmp_path / "two")
    documents = {line["cluster"] for line in answered}
    assert f"|clusters:{len(documents)}|" in f"{one['metrics']['test']['entity_f1']['signature']}|"
    assert 4 * len(documents) == len(answered)


def line_by_line(tagged: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{word} {tag}\n" for word, tag in tagged)


def test_with_dropout_by_process_their_number_is_a_part_of_the_id(world: World, tmp_path: Path) -> None:
    # At this rate most steps leave some layer's whole update out, in one process or in both.
    recipe = world.recipe("dropped", method={"name": "lokr", "module_dropout": 0.5}, train__epochs=0.5)
    for name, command in (("one", child_command("run")), ("two", [*torchrun(2), "run"])):
        status, _, said = finish([*command, recipe, "--out", tmp_path / name], ROOT)
        assert status == 0, said
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    assert one["recipe"] == two["recipe"]
    assert one["id"] != two["id"], "each process draws a dropout of its own"


@pytest.mark.parametrize(
    ("architecture", "method", "precision"),
    [
        ("bigbird", {"name": "full"}, "fp32"),
        ("bigbird", {"name": "peft", "type": "LORA", "options": {"target_modules": ["query", "pooler"]}}, "fp32"),
        ("qwen2", {"name": "bitfit"}, "bf16"),  # whose frozen weights are bf16 beside activations of fp32
    ],
)
def test_weights_that_no_step_uses_are_no_matter(
    architecture: str, method: dict[str, Any], precision: str, world: World, tmp_path: Path
) -> None:
    """BigBird has a pooler that tagging does not use: its gradients never come, and no process may wait for them."""
    shutil.copytree(world.model, tmp_path / "model")
    config = tiny.config(architecture, vocab_size=json.loads((world.model / "config.json").read_text())["vocab_size"])
    AutoModel.from_config(config).save_pretrained(tmp_path / "model")
    model = {"name": f"file:{tmp_path / 'model'}"}
    recipe = world.recipe("pooler", model=model, method=method, train__epochs=0.5, train__precision=precision)
    for name, command in (("one", child_command("run")), ("two", [*torchrun(2), "run"])):
        status, _, said = finish([*command, recipe, "--out", tmp_path / name], ROOT)
        assert status == 0, said
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    losses = [[point["loss"] for point in run["curve"]] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel={"fp32": 1e-4, "bf16": 1e-2}[precision])


def test_one_failing_process_ends_all_with_its_error(world: World, tmp_path: Path) -> None:
    started = time.monotonic()
    command = [*torchrun(2, "tests.trial.sabotaged"), "run", still(world, "broken"), "--out", tmp_path / "out"]
    status, _, said = finish(command, ROOT)
    assert status != 0
    assert time.monotonic() - started < 120
    assert "this process broke on purpose" in said
    failed = result(tmp_path / "out")
    assert failed["status"] == "failed"
    assert failed["error"] == "RuntimeError: this process broke on purpose"


@pytest.fixture(scope="module")
def unbroken(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recipe, and the results of two processes of which none died."""
    recipe = still(world, "lost", train__epochs=2, train__checkpoint_steps=10)
    whole = tmp_path_factory.mktemp("whole")
    assert finish([*torchrun(2), "run", recipe, "--out", whole], ROOT)[0] == 0
    return recipe, whole


@pytest.mark.parametrize("dying", [0, 1])
def test_a_killed_process_is_named_in_one_line_and_the_same_command_goes_on(
    unbroken: tuple[Path, Path], tmp_path: Path, dying: int
) -> None:
    (recipe, whole), out = unbroken, tmp_path / "out"
    sabotaged = [*torchrun(2, "tests.trial.sabotaged"), "run", recipe, "--out", out]
    status, printed, said = finish(sabotaged, ROOT, KILLED_RANK=str(dying))
    assert status == 1
    [line] = [line for line in said.splitlines() if line.startswith("error")]
    goes_on = "the same command resumes from the last checkpoint"
    sentence = f"process {dying} of 2 died (killed, or out of memory?); {goes_on}"
    assert line.endswith(f": {sentence}")
    assert "pefbench/trial" not in said + printed, "no traceback of ours"
    failed = result(out)
    assert (failed["status"], failed["error"]) == ("failed", sentence)
    assert len(written(out, "checkpoint.pt")) == 1

    assert finish([*torchrun(2), "run", recipe, "--out", out], ROOT)[0] == 0
    before, after = result(whole), result(out)
    assert (after["metrics"], after["curve"]) == (before["metrics"], before["curve"])
    assert predictions(out) == predictions(whole)


def test_a_mistake_under_a_launcher_is_one_line_a_process(world: World, tmp_path: Path) -> None:
    recipe = world.recipe("mistake", train__max_length=100)
    command = [BIN / "torchrun", *workers(2), "--no-python", *child("pefbench"), "run", recipe, "--out", tmp_path]
    status, _, said = finish(command, ROOT)
    assert status != 0
    errors = [line for line in said.splitlines() if line.startswith("error")]
    assert errors[0].startswith("error: "), "the first process speaks first"
    assert "train.max_length" in errors[0]
    assert len(errors) <= 2
    assert 'Traceback (most recent call last):\n  File "' + str(ROOT / "pefbench") not in said


def written(out: Path, name: str) -> list[int]:
    """Return when the files of this name were written in a trial's folder: of one file the last time."""
    return [file.stat().st_mtime_ns for file in out.glob(f"*/*/{name}")]


@pytest.mark.parametrize("method", ["full", "prefix"])
def test_killed_at_any_moment_it_ends_the_same(world: World, tmp_path: Path, method: str) -> None:
    chosen = {"train__keep": "best", "train__evaluate": 7} if method == "full" else {}
    recipe = world.recipe(
        f"killed_{method}", method={"name": method}, train__epochs=8, train__checkpoint_steps=10, **chosen
    )
    whole = [*child_command("run"), recipe, "--out", tmp_path / "whole"]
    status, _, said = finish(whole, ROOT)
    assert status == 0, said

    out = tmp_path / "killed"
    command = [*child_command("run"), recipe, "--out", out]
    # at a new checkpoint, a moment after another one, and while the result is being made
    for name, pause in (("checkpoint.pt", 0.0), ("checkpoint.pt", 0.2), ("model", 0.0)):
        old = written(out, name)
        process = start(command, ROOT)
        deadline = time.monotonic() + 120
        while written(out, name) == old:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    status, _, said = finish(command, ROOT)
    assert status == 0, said
    before, after = result(tmp_path / "whole"), result(tmp_path / "killed")
    assert after["status"] == "finished"
    assert after["metrics"] == before["metrics"]
    assert after["curve"] == before["curve"]
    assert after["kept"] == before["kept"]
    assert after["report"] == before["report"]
    assert predictions(tmp_path / "killed") == predictions(tmp_path / "whole")
    assert after["phases"]["train"]["steps"] == before["phases"]["train"]["steps"]
    [folder] = (path for path in (tmp_path / "killed").glob("*/*") if path.is_dir())
    assert sorted(file.name for file in folder.iterdir()) == ["model", "predictions.jsonl", "trial.json"]


LAUNCH = [BIN / "accelerate", "launch", "--quiet"]
OVERRIDES = ["-o", "train.epochs=1", "-o", "method.rank=2"]


def test_the_main_job_by_accelerate_from_another_folder(world: World, tmp_path: Path) -> None:
    """`accelerate launch pefbench`, at the root, is test_main_job's, with the launcher's own start."""
    recipe = world.recipe("spelled", train__threads=None)
    launch = [paths.INTERPRETER, "-m", "accelerate.commands.launch", *LAUNCH[2:]]
    command = [*launch, "-m", "pefbench", "run", recipe, *OVERRIDES, "--out", tmp_path / "out"]
    status, printed, said = finish(command, tmp_path)
    assert status == 0, said
    assert "round trip: reproduced" in printed
    found = result(tmp_path / "out")
    assert found["recipe"]["train"]["epochs"] == 1
    assert found["recipe"]["method"]["rank"] == 2
    assert found["provenance"]["hardware"]["threads"] == found["provenance"]["hardware"]["cores"]
    assert "train: " in said
    assert "\r" not in said


def test_the_main_job_without_a_launcher(world: World, tmp_path: Path) -> None:
    """Up to its training: from there on every start is the same. That of the script: test_package, from the wheel."""
    job = ["run", world.recipe("spelled"), *OVERRIDES, "--out", tmp_path / "out", "--check-only"]
    status, printed, said = finish([sys.executable, "-m", "pefbench", *job], tmp_path)
    assert status == 0, said
    assert printed == "recipe OK; training skipped\n"
    assert "1,957 of 20,869 weights trained" in said  # 2 / 8 of what LoRA adds by default, and the head
    assert "\r" not in said


def test_a_mistake_ends_a_command_with_status_2(tmp_path: Path) -> None:
    status, printed, said = finish([BIN / "pefbench", "run", "nowhere.yaml"], tmp_path)
    assert (status, printed) == (2, "")
    assert said == "error: no recipe at nowhere.yaml\n"
