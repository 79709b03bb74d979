"""The folder is the registry: ``apps/monitor/app.py`` is the application ``monitor``."""

from __future__ import annotations

import ast
import importlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError, suggest

if TYPE_CHECKING:
    from pefbench.apps.app import App

HERE = files("pefbench.apps")
APP = "app.py"


def names() -> list[str]:
    """The names of the applications, sorted."""
    return sorted(folder.name for folder in HERE.iterdir() if (folder / APP).is_file())


def summary(name: str) -> str:
    """The first line of an application's docstring, without importing it."""
    text = (HERE / name / APP).read_text(encoding="utf8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def find(name: str) -> App[Any]:
    """The application of this name. Raises RecipeError, listing the names, if there is none."""
    if name not in names():
        raise RecipeError(f"unknown application {name!r}; {suggest(name, names())}")
    found: App[Any] = importlib.import_module(f"pefbench.apps.{name}.app").APP
    return found
