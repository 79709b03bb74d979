"""The paths of this machine in what leaves it: of each file and folder that a recipe names, the name alone."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pefbench.sources.transport.joint import JOINT
from pefbench.trial.saved import WARM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.yaml_text import Values


def without_folders(text: str, recipe: Values) -> str:
    """A text in which the absolute paths that a resolved recipe names are names alone."""
    for path in sorted({*_paths(recipe)}, key=len, reverse=True):
        # Not where it is a part of something else: /data of the address wheel:a==1!a/data/b.csv.
        text = PurePath(path).name.join(re.split(rf"(?<![\w./~-]){re.escape(path)}(?![\w-])", text))
    return text


def _paths(value: object) -> Iterator[str]:
    """The absolute paths in a recipe's values, as they stand there and as messages name them."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _paths(each)
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each)
    elif isinstance(value, str):
        for source in value.split(JOINT):
            kind, _, path = source.strip().removeprefix(WARM).partition(":")
            if kind == "file" and path.startswith(("/", "~")) and PurePath(path).name:
                yield from (path.rstrip("/"), str(Path(path).expanduser()))


def not_here(source: str) -> str | None:
    """The path that a model's address names, where this machine has nothing there."""
    kind, _, path = source.removeprefix(WARM).partition(":")
    return path if kind == "file" and not Path(path).expanduser().exists() else None
