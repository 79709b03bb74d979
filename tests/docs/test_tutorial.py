"""The tutorial's files and commands, run as printed, in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pefbench.paths import PROJECT, child_environment

PAGE = (PROJECT / "docs" / "tutorial.md").read_text(encoding="utf8")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def run(command: str, folder: Path) -> str:
    """Run one of the page's commands in a folder and return what it printed."""
    environment = os.environ | child_environment() | {"PYTHONWARNINGS": "default"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
def test_every_file_and_command(tmp_path: Path) -> None:
    printed: dict[str, str] = {}
    for language, name, content in BLOCK.findall(PAGE):
        if name:
            (tmp_path / name).write_text(content, encoding="utf8")
        elif language == "console":
            for line in content.splitlines():
                command = line.removeprefix("$ ")
                assert command != line, f"a command begins with a dollar: {line}"
                printed[command] = run(command, tmp_path)
    header, first = (tmp_path / "areas.csv").read_text(encoding="utf8").splitlines()[:2]
    assert f"{header}\n{first}\n" in PAGE
    assert re.search(
        r"^areas: lora on .* \d+ train, \d+ validation, \d+ test", printed["pefbench run areas.yaml"], re.MULTILINE
    )
    assert "round trip: reproduced" in printed["pefbench run areas.yaml"]
    table = printed["pefbench table results"]
    assert "lora" in table
    assert "head_only" in table
    verdict = printed["pefbench compare compare.yaml"]
    for shown in ("** best", "p, all pairs", "Could have shown", "full - head_only", "McNemar p, by seed"):
        assert shown in verdict, shown
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf8")


def test_its_recipes_are_valid(tmp_path: Path) -> None:
    from pefbench.compare.file import load_comparison
    from pefbench.recipe import load_recipe

    for language, name, content in BLOCK.findall(PAGE):
        if language == "yaml":
            (tmp_path / name).write_text(content, encoding="utf8")
    assert load_recipe(tmp_path / "areas.yaml").method.name == "lora"
    comparison, _ = load_comparison(tmp_path / "compare.yaml")
    assert set(comparison.methods) == {"full", "lora", "head_only"}
