"""A disk that fills up during training: nothing trained is lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import TrialError
from pefbench.recipe import load_recipe
from pefbench.trial import artifacts, checkpoints, run
from pefbench.trial.folder import CHECKPOINT, PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.worlds import World

FULL = r"^cannot write .*: the disk is full; make room, or choose another folder"
GOES_ON = "; the same command resumes from the last checkpoint$"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of 4 MB, or skip the test."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    file = folder / "filler"
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(4096))
    assert shutil.disk_usage(folder).free == 0
    return file


def outcome(path: Path) -> dict[str, Any]:
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    predictions = (path.with_suffix("") / PREDICTIONS).read_text(encoding="utf8")
    return {"predictions": predictions} | {key: result[key] for key in ("metrics", "curve", "report", "baselines")}


def recipe_of(world: World) -> Any:
    return load_recipe(world.recipe("filled", method={"name": "full"}, train__checkpoint_steps=5))


def test_a_trial_goes_on_bit_for_bit_once_there_is_room(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = outcome(run.run(recipe_of(world), tmp_path / "whole"))
    disk = tmp_path / "disk"
    with small_disk(disk):
        write = checkpoints.write
        written: list[Path] = []

        def fills_the_disk(path: Path, state: checkpoints.State) -> None:
            if len(written) == 2:
                written.append(fill(disk))
            write(path, state)
            written.append(path)

        with monkeypatch.context() as filling:
            filling.setattr(checkpoints, "write", fills_the_disk)
            with pytest.raises(TrialError, match=FULL + GOES_ON):
                run.run(recipe_of(world), disk / "out")
        [checkpoint] = disk.glob(f"out/*/*/{CHECKPOINT}")
        key = checkpoint_key(checkpoint)
        assert checkpoints.read(checkpoint, key)["progress"]["step"] == 10  # type: ignore[index]
        assert not list(disk.rglob(".tmp-*"))

        written[2].unlink()
        steps = []

        def notes(path: Path, state: checkpoints.State) -> None:  # noqa: ARG001
            steps.append(state["progress"]["step"])

        with monkeypatch.context() as watching:
            watching.setattr(checkpoints, "write", notes)
            assert outcome(run.run(recipe_of(world), disk / "out")) == whole
        assert min(steps) == 15


def checkpoint_key(checkpoint: Path) -> dict[str, object]:
    import torch

    key: dict[str, object] = torch.load(checkpoint, weights_only=True)["checkpoint_key"]
    return key


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write, steps = checkpoints.write, []

    def fails(path: Path, state: checkpoints.State) -> None:
        steps.append(state["progress"]["step"])
        with monkeypatch.context() as broken:
            if len(steps) == 2:
                broken.setattr(os, "fsync", raises(number))
            write(path, state)

    monkeypatch.setattr(checkpoints, "write", fails)
    with pytest.raises(TrialError, match="^cannot write .*" + GOES_ON):
        run.run(recipe_of(world), out)
    [file] = out.glob("*/*.json")
    failed = json.loads(file.read_text(encoding="utf8"))
    assert (failed["status"], failed["error_type"]) == ("failed", "OutputError")
    run.run(recipe_of(world), out)
    assert steps[2] == steps[1] == 10


def test_a_model_that_cannot_be_saved_leaves_the_checkpoint(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    def fails(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as broken:
        broken.setattr(artifacts, "_write", fails)
        with pytest.raises(TrialError, match=FULL):
            run.run(recipe_of(world), out)
    assert len(list(out.glob(f"*/*/{CHECKPOINT}"))) == 1


def raises(number: int) -> Any:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
