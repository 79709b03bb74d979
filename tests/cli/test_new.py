"""`pefbench new`: unchanged skeletons pass the checks, and invalid names are refused."""

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


class Checkout:
    """A copy of the project in which `pefbench new` has written one of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("pefbench", "tests"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / "pyproject.toml", folder)
        self.printed = {kind: self.run("pefbench", "new", kind, f"my_own_{kind}") for kind in KINDS}
        self.code = {kind: f"pefbench/{room}/my_own_{kind}.py" for kind, room in KINDS.items()}
        self.tests = {kind: f"tests/{room}/test_my_own_{kind}.py" for kind, room in KINDS.items()}

    @property
    def written(self) -> list[str]:
        return [*self.code.values(), *self.tests.values()]

    def run(self, *module: str) -> str:
        """Run a module in the copy, which must end well; what it printed."""
        environment = child_environment() | {"PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-m", *module]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def test_what_it_writes_is_registered(checkout: Checkout) -> None:
    for kind in KINDS:
        files = (checkout.code[kind], checkout.tests[kind])
        assert all(str(checkout.folder / file) in checkout.printed[kind] for file in files)
        texts = [(checkout.folder / file).read_text(encoding="utf8") for file in files]
        assert f"class MyOwn{kind.capitalize()}(" in texts[0]
        assert not [text for text in texts if "example_" in text or "Skeleton" in text]
        listed = checkout.run("pefbench", "list", f"{kind}s")
        assert re.search(rf"^my_own_{kind} +my_own_{kind}: what it", listed, re.MULTILINE)


def test_what_it_writes_passes_the_linter(checkout: Checkout) -> None:
    checkout.run("ruff", "check", *checkout.written)
    checkout.run("ruff", "format", "--check", *checkout.written)


def test_what_it_writes_passes_its_tests(checkout: Checkout) -> None:
    checkout.run("pytest", "-q", "-p", "no:cacheprovider", *checkout.tests.values())


@pytest.mark.slow
def test_what_it_writes_passes_the_type_checker(checkout: Checkout) -> None:
    checkout.run("mypy", *checkout.written)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("task", "ner", "new task ner: a task of that name already exists"),
        ("metric", "lora", "new metric lora: a method of that name already exists"),
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
    assert f"new task: {tmp_path} is not a checkout of pefbench; clone it" in capsys.readouterr().err
