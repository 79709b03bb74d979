"""The folder is the registry: ``tasks/ner.py`` is the task ``ner``.

Listing reads the first docstring line of each file and imports nothing, so it is instant.
"""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path
from typing import Any

from pefbench.errors import RecipeError, suggest
from pefbench.paths import PACKAGE, PROJECT

NO_RECIPES = ("compare", "accelerate")
"""Folders in `recipes/` whose files are something else."""

FOLDERS = {"task": "tasks", "method": "methods", "metric": "metrics", "baseline": "tasks/baselines"}


def names(kind: str) -> list[str]:
    """The names of all entries of a kind, sorted. `kind`: task | method | metric | baseline."""
    return [*_names(kind)]


@functools.cache  # files added later are not what this process runs
def _names(kind: str) -> tuple[str, ...]:
    folder = PACKAGE / FOLDERS[kind]
    return tuple(sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_")))


def summary(kind: str, name: str) -> str:
    """The first docstring line of one entry, without importing it."""
    file = PACKAGE / FOLDERS[kind] / f"{name}.py"
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf8"))) or ""
    return docstring.partition("\n")[0]


def recipes() -> list[Path]:
    """The recipes in the working directory's `recipes/`, then those that come with pefbench, without comparisons."""
    return [file for file in _yaml_files() if file.parent.name not in NO_RECIPES]


def comparisons() -> list[Path]:
    """The comparison files in `recipes/compare/`, the working directory's first."""
    return [file for file in _yaml_files() if file.parent.name == "compare"]


def _yaml_files() -> list[Path]:
    found: dict[Path, Path] = {}
    for folder in (Path("recipes"), PROJECT / "recipes", PACKAGE / "recipes"):
        for file in sorted(folder.rglob("*.yaml")):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def find(kind: str, name: str) -> Any:
    """Import ``<folder>/<name>.py`` and return its ``TASK``, ``METHOD``, ``METRIC`` or ``BASELINE``.

    Raises RecipeError with the list of names if there is none.
    """
    valid = names(kind)
    if name not in valid:
        raise RecipeError(f"unknown {kind} {name!r}; {suggest(name, valid)}")
    module = importlib.import_module(f"pefbench.{FOLDERS[kind].replace('/', '.')}.{name}")
    return getattr(module, kind.upper())
