"""The provenance of a result, and the costs of its phases."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import torch

from pefbench.paths import PROJECT
from pefbench.results import provenance
from pefbench.trial.phases import Phases

ROOT = PROJECT


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_is_this_checkout_s() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    changed = git(ROOT, "status", "--porcelain", "--", ".", ":(exclude)results")
    assert provenance.commit() == (git(ROOT, "rev-parse", "HEAD"), changed != "")


def test_changed_code_is_dirty_and_a_new_result_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    assert provenance.commit() == (None, None)
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n", encoding="utf8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert provenance.commit() == (head, False)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.json").write_text("{}", encoding="utf8")
    assert provenance.commit() == (head, False)
    (tmp_path / "code.py").write_text("a = 2\n", encoding="utf8")
    assert provenance.commit() == (head, True)
    git(tmp_path, "commit", "-qam", "two")
    (tmp_path / "new.py").write_text("", encoding="utf8")
    assert provenance.commit() == (git(tmp_path, "rev-parse", "HEAD"), True)


def test_versions_and_hardware_are_those_in_use() -> None:
    assert torch.__version__.startswith(provenance.packages()["torch"])  # a wheel of PyPI leaves out +cu130
    hardware = provenance.machine()
    assert hardware["threads"] == torch.get_num_threads()
    assert hardware["memory_bytes"] > 2**28
    assert provenance.now().endswith("+00:00")


def test_phases_are_measured_apart() -> None:
    phases = Phases()
    with phases.measure("quick"):
        pass
    with phases.measure("slow"):
        time.sleep(0.2)
        held = torch.ones(64 * 2**20, dtype=torch.uint8)
    del held
    with phases.measure("after"):
        pass
    with phases.measure("slow"):
        time.sleep(0.1)
    costs = phases.costs
    assert costs["quick"]["seconds"] < 0.1
    assert 0.3 <= costs["slow"]["seconds"] < 2
    if not torch.cuda.is_available():
        assert 0 < costs["slow"]["processor_seconds"] < costs["slow"]["seconds"] - 0.2  # asleep is no work
    if not torch.cuda.is_available() and Path("/proc/self/clear_refs").exists():
        assert costs["slow"]["peak_memory_bytes"] > costs["quick"]["peak_memory_bytes"] + 50 * 2**20
        assert costs["after"]["peak_memory_bytes"] < costs["slow"]["peak_memory_bytes"] - 50 * 2**20
