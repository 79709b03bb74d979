"""The skeletons pass the type checker, as CONTRIBUTING.md says; for linter and tests see tests/cli/test_new.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pefbench.cli.new import KINDS
from pefbench.paths import PROJECT, child_environment
from pefbench.registry import FOLDERS

if TYPE_CHECKING:
    from pathlib import Path

CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf8")


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_says_what_each_kind_exports(kind: str) -> None:
    assert f"(`pefbench/{FOLDERS[kind]}/<name>.py`, exports `{kind.upper()}`)" in CONTRIBUTING


def test_the_guide_names_every_room() -> None:
    rooms = {file.parent.name for file in (PROJECT / "pefbench").glob("*/__init__.py")}
    assert all(f"| `{room}/` |" in CONTRIBUTING for room in rooms), rooms


@pytest.mark.slow
def test_what_is_written_passes_the_type_checker(tmp_path: Path) -> None:
    for name in ("pefbench", "tests"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    environment = child_environment() | {"PYTHONPATH": str(tmp_path)}

    def run(*command: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    for kind in KINDS:
        run("pefbench", "new", kind, f"my_own_{kind}")
    rooms = [(FOLDERS[kind], f"my_own_{kind}") for kind in KINDS]
    run(
        "mypy",
        *(f"pefbench/{room}/{name}.py" for room, name in rooms),
        *(f"tests/{room}/test_{name}.py" for room, name in rooms),
    )
