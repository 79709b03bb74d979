"""CI, the hooks before a commit and the Makefile run the same commands."""

from __future__ import annotations

import itertools
import re
import tomllib
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pefbench.paths import PROJECT

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf8")
CI: dict[str, Any] = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf8"))
RELEASE: dict[str, Any] = yaml.safe_load((PROJECT / ".github" / "workflows" / "release.yml").read_text(encoding="utf8"))
HOOKS: dict[str, Any] = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf8"))
PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf8"))


def targets(command: str) -> list[str]:
    """The targets of a command that is one call of make."""
    assert re.fullmatch(r"make( [a-z]+)+", command), command
    return command.split()[1:]


def in_ci() -> set[str]:
    steps = [step for job in CI["jobs"].values() for step in job["steps"]]
    return {target for step in steps if "run" in step for target in targets(step["run"])}


def test_every_step_of_ci_is_a_target() -> None:
    for target in in_ci():
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_ci_runs_what_it_should() -> None:
    assert in_ci() == {"lint", "types", "unit", "servers", "slow", "deepspeed", "docs", "wheel"}
    depends = re.findall(r"^test: ([a-z ]+)", MAKEFILE, re.MULTILINE)
    assert set(depends[0].split()) <= in_ci()


def test_ci_tests_each_python_that_is_supported() -> None:
    versions = CI["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"


def test_a_release_is_built_by_make_and_published_as_it_was_built() -> None:
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert [step["run"] for step in build["steps"] if "run" in step] == ["make release"]
    assert publish["needs"] == "build"
    assert not [step for step in publish["steps"] if "run" in step]
    [kept] = [step["with"] for step in build["steps"] if "upload-artifact" in step.get("uses", "")]
    [taken] = [step["with"] for step in publish["steps"] if "download-artifact" in step.get("uses", "")]
    assert kept == taken
    assert re.search(r"^release: wheel", MAKEFILE, re.MULTILINE)


def test_hooks_run_what_ci_runs() -> None:
    hooks = [hook for repository in HOOKS["repos"] for hook in repository["hooks"]]
    assert {target for hook in hooks for target in targets(hook["entry"])} <= in_ci()
    assert all(repository["repo"] == "local" for repository in HOOKS["repos"]), "nothing is fetched"


def test_every_file_that_a_target_names_is_there() -> None:
    named = {*re.findall(r"\b\w+(?:/\w+)+\.py\b", MAKEFILE)}
    assert named
    assert not [name for name in named if not (PROJECT / name).exists()]


def test_every_target_is_phony() -> None:
    named = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert named == set(phony.split())


def test_what_every_extra_needs_is_pinned_within_its_bounds() -> None:
    """Whether pins agree, only pip can say: `pip install --dry-run -c constraints.txt -e '.[track]'`."""
    pins = dict(line.split("==") for line in _lines("constraints.txt"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    extras = PYPROJECT["project"]["optional-dependencies"]
    for requirement in map(Requirement, [*PYPROJECT["project"]["dependencies"], *itertools.chain(*extras.values())]):
        if requirement.name != "pip":  # which a constraint cannot exchange while it runs
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def _lines(name: str) -> list[str]:
    return [line for line in (PROJECT / name).read_text(encoding="utf8").splitlines() if not line.startswith("#")]
