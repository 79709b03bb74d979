"""Leases: one holder at a time; given back, taken over from dead holders, kept by living ones."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from pefbench.results.lease import FolderLease, StoreLease
from tests.stores import machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pefbench.results.lease import Lease

SECONDS = 0.6


@pytest.fixture(params=["folder", "store", "file system"])
def lease(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Lease]:
    """What makes a process's lease of one trial."""
    if request.param == "folder":
        return lambda: FolderLease(tmp_path / "x.lease", SECONDS)
    if request.param == "file system":
        return lambda: StoreLease(LocalFileSystem(), f"{tmp_path}/new/x.lease", nullcontext, SECONDS)
    return lambda: StoreLease(MemoryFileSystem(), f"/{tmp_path.name}/x.lease", nullcontext, SECONDS)


def test_one_holds_it_until_it_is_given_back(lease: Callable[[], Lease]) -> None:
    first, second = lease(), lease()
    assert first.acquire(0)
    assert not second.acquire(0)
    assert not second.acquire(3 * SECONDS), "the holder gives signs of life"
    first.release()
    assert second.acquire(0)
    second.release()


def test_it_expires_when_its_holder_is_no_longer_heard_of(
    lease: Callable[[], Lease], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = lease(), lease()
    assert first.acquire(0)
    if isinstance(first, FolderLease):
        first.lock._stop_heartbeat()
    elif isinstance(first, StoreLease):
        first.done.set()
    started = time.monotonic()
    assert second.acquire(10 * SECONDS)
    assert time.monotonic() - started > SECONDS / 2
    second.release()
    assert "another process" not in capsys.readouterr().err


def test_of_many_in_a_store_one_takes_it(bucket: str, tmp_path: Path) -> None:
    result = tmp_path / "recipe" / "0123456789ab.json"
    leases = [machine(bucket, tmp_path).lease(result) for _ in range(6)]
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda each=each: taken.append(each.acquire(0))) for each in leases]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(taken) == [False] * 5 + [True]


def test_a_holder_of_this_machine_that_was_killed_loses_it_at_once(tmp_path: Path) -> None:
    code = f"""
from pefbench.results.lease import FolderLease
from pathlib import Path
import os, signal
lease = FolderLease(Path({str(tmp_path / "x.lease")!r}))
assert lease.acquire(0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert (tmp_path / "x.lease").exists()
    lease = FolderLease(tmp_path / "x.lease")
    assert lease.acquire(2)
    lease.release()


def test_a_dead_process_of_this_machine_holds_nothing_in_a_store(tmp_path: Path) -> None:
    files = MemoryFileSystem()
    folder = f"/{tmp_path.name}/x.lease"
    first, second = (StoreLease(files, folder, nullcontext) for _ in range(2))
    assert first.acquire(0)
    first.done.set()
    owner = json.loads(files.cat_file(f"{folder}/1"))
    files.pipe_file(f"{folder}/1", json.dumps({**owner, "host": "another machine"}).encode())
    assert not second.acquire(0)
    files.pipe_file(f"{folder}/1", json.dumps({**owner, "started": 1.0}).encode())
    assert second.acquire(0)
    assert files.find(folder) == [f"{folder}/2"]
    second.release()
