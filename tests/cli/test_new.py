"""`pefbench new`: skeletons that pass the checks as they are, and names that it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pefbench import paths
from pefbench.cli.main import main
from pefbench.paths import PROJECT, child_environment

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"task": "tasks", "method": "methods", "metric": "metrics"}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["new", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_what_it_writes_passes_lint_and_its_tests(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for name in ("pefbench", "tests"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", copy)
    environment = child_environment() | {"PYTHONPATH": str(copy)}

    def done(*command: str) -> str:
        found = subprocess.run(
            [sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    written = []
    for kind, room in KINDS.items():
        printed = done("pefbench", "new", kind, f"my_own_{kind}")
        written += [f"pefbench/{room}/my_own_{kind}.py", f"tests/{room}/test_my_own_{kind}.py"]
        assert all(str(copy / file) in printed for file in written[-2:])
        assert f"class MyOwn{kind.capitalize()}(" in (copy / written[-2]).read_text(encoding="utf8")
        assert re.search(rf"^my_own_{kind} +my_own_{kind}: what it", done("pefbench", "list", f"{kind}s"), re.MULTILINE)
    texts = [(copy / file).read_text(encoding="utf8") for file in written]
    assert not [text for text in texts if "example_" in text or "Skeleton" in text]
    done("ruff", "check", *written)
    done("ruff", "format", "--check", *written)
    done("pytest", "-q", "-p", "no:cacheprovider", *[file for file in written if file.startswith("tests/")])


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("task", "ner", "new task ner: there is a task of that name"),
        ("metric", "lora", "new metric lora: there is a method of that name"),
        ("task", "Mine", "should be a Python name in lower case"),
        ("task", "my-own", "should be a Python name in lower case"),
        ("task", "_mine", "should be a Python name in lower case"),
        ("task", "class", "should be a Python name in lower case"),
        ("task", "../mine", "should be a Python name in lower case"),
        ("metric", "", "should be a Python name in lower case"),
    ],
)
def test_names_that_it_refuses(capsys: pytest.CaptureFixture[str], kind: str, name: str, said: str) -> None:
    folders = [PROJECT / "tests" / KINDS[kind], PROJECT / "pefbench" / KINDS[kind]]
    before = [sorted(folder.glob("*.py")) for folder in folders]
    assert run(kind, name) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert [sorted(folder.glob("*.py")) for folder in folders] == before


def test_an_installed_package_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    assert run("task", "mine") == 2
    assert f"new task: {tmp_path} is no checkout of pefbench; clone it" in capsys.readouterr().err
