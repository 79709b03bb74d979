"""The folder is the registry: ``apps/monitor/app.py`` is the application ``monitor``."""

from __future__ import annotations

import ast
import importlib
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError, suggest
from pefbench.paths import PACKAGE

if TYPE_CHECKING:
    from pefbench.apps.app import App


def names() -> list[str]:
    """The names of the applications, sorted."""
    return sorted(file.parent.name for file in (PACKAGE / "apps").glob("*/app.py"))


def summary(name: str) -> str:
    """The first line of an application's docstring, without importing it."""
    file = PACKAGE / "apps" / name / "app.py"
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf8"))) or "").partition("\n")[0]


def find(name: str) -> App[Any]:
    """The application of this name. Raises RecipeError with the list of names when there is none."""
    if name not in names():
        raise RecipeError(f"unknown application {name!r}; {suggest(name, names())}")
    found: App[Any] = importlib.import_module(f"pefbench.apps.{name}.app").APP
    return found
