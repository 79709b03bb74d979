"""Files that appear complete: through links, as folders, and if a library hides why they cannot be written."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pefbench import atomic
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    atomic.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def write_folder(folder: Path, *, breaks: bool) -> None:
    with atomic.replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / "file").touch()
        if breaks:
            raise RuntimeError


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_folder(tmp_path / "folder", breaks=True)
    assert not list(tmp_path.iterdir())
    write_folder(tmp_path / "folder", breaks=False)
    assert [file.name for file in tmp_path.rglob("*")] == ["folder", "file"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / f"{atomic.TEMPORARY_PREFIX}folder").mkdir()
    (tmp_path / f"{atomic.TEMPORARY_PREFIX}file").touch()
    (tmp_path / "kept").touch()
    atomic.clear_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


KILLED = """
import os, signal, sys
from pathlib import Path
from pefbench import atomic
with atomic.writing_folder(Path(sys.argv[1])) as partial:
    partial.mkdir()
    (partial / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_whose_process_was_killed_is_cleared_by_the_next_one(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "folder")], check=False)
    assert done.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert left.name.startswith(atomic.TEMPORARY_PREFIX)
    with atomic.writing_folder(tmp_path / "other") as partial:
        partial.mkdir()
        with atomic.writing_folder(tmp_path / "third") as beside:  # what is being written is not taken for left
            beside.mkdir()
        assert partial.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "third"]


def test_others_may_read_what_a_library_wrote_for_its_owner_alone(tmp_path: Path) -> None:
    with atomic.replacing(tmp_path / "one.bin") as file:
        file.touch(0o600)
    with atomic.writing_folder(tmp_path / "whole") as folder:
        folder.mkdir()
        (folder / "weights.bin").touch(0o600)
        (folder / "run.sh").touch(0o700)
    (tmp_path / "usual").touch()
    usual = (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "one.bin").stat().st_mode == usual
    assert (tmp_path / "whole" / "weights.bin").stat().st_mode == usual
    assert (tmp_path / "whole" / "run.sh").stat().st_mode == usual | 0o100


def torch_s() -> None:
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    finally:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 768 vs 662")


def safetensors_s() -> None:
    raise ValueError("Error while serializing: I/O error: No space left on device (os error 28)")


def the_system_s() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fails", [torch_s, safetensors_s, the_system_s])
def test_a_full_disk_is_named_whoever_tells_of_it(tmp_path: Path, fails: object) -> None:
    assert callable(fails)
    told = pytest.raises(OutputError, match=r"^cannot write .*/file: the disk is full; make room")
    with told, atomic.writing(tmp_path / "file"):
        fails()
    assert not list(tmp_path.iterdir())


def test_other_errors_are_not_about_the_disk(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^a bug$"), atomic.writing(tmp_path / "file"):
        raise RuntimeError("a bug")


def test_a_place_that_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    atomic.check_writable(tmp_path / "new" / "folder" / "file")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*/file/below/x: .*/file is a file, not a folder; choose"):
        atomic.check_writable(tmp_path / "file" / "below" / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
