"""The requirements of pefbench, and which of them are installed."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from pefbench.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pefbench.doctor.found import Extra

NAME = "pefbench"


def unmet() -> list[str]:
    """The unmet requirements, such as ``torch>=2.6 (2.5.1 is installed)``."""
    lacking = _unmet(_declared()[""])
    return [f"{_plain(each)} ({there} is installed)" if there else _plain(each) for each, there in lacking]


def extras() -> dict[str, Extra]:
    """The optional parts by name, with each part's missing packages."""
    found: dict[str, Extra] = {}
    for name, requirements in _declared().items():
        if name:
            missing = [_plain(each) for each, _ in _unmet(requirements)]
            found[name] = {"installed": not missing, "missing": missing}
    return found


def _declared() -> dict[str, list[Requirement]]:
    """Extra -> requirements; under "" those that always hold. From the checkout, otherwise the installed package."""
    file = PROJECT / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text(encoding="utf8"))["project"]
        texts = {"": project["dependencies"], **project["optional-dependencies"]}
        return {name: [Requirement(text) for text in each] for name, each in texts.items()}
    every = [Requirement(text) for text in requires(NAME) or []]
    always = [each for each in every if _holds(each, "")]
    extras = metadata(NAME).get_all("Provides-Extra") or []
    return {"": always} | {
        name: [each for each in every if each not in always and _holds(each, name)] for name in extras
    }


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _plain(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _unmet(requirements: Iterable[Requirement]) -> list[tuple[Requirement, str | None]]:
    found: list[tuple[Requirement, str | None]] = []
    for each in requirements:
        try:
            there = version(each.name)
        except PackageNotFoundError:
            found.append((each, None))
            continue
        if not each.specifier.contains(there, prereleases=True):
            found.append((each, there))
    return found
