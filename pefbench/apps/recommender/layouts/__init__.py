"""The layouts of histories, one per file: the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.apps.recommender.layout import Layout


def names() -> list[str]:
    """The names of the layouts, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(path: Path, source: str) -> Layout:
    """The layout of a folder, preferring the one with most files; a file is a table. Raises DataError."""
    found: dict[str, Layout] = {name: importlib.import_module(f"{__name__}.{name}").LAYOUT for name in names()}
    if path.is_file():
        return found["table"]
    fitting = [layout for layout in found.values() if layout.fits(path)]
    if not fitting:
        known = "; ".join(f"{name}: {' and '.join(layout.files)}" for name, layout in found.items())
        raise DataError(f"{source}: does not have the files of a known layout ({known})")
    return max(fitting, key=lambda layout: len(layout.files))
