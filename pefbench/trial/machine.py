"""Removes this machine's paths from what leaves it: each file or folder that a recipe names is reduced to its name."""

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
    """The text with each absolute path that a resolved recipe names reduced to its last component."""
    for path in sorted({*_paths(recipe)}, key=len, reverse=True):
        # Not inside a longer address: /data in wheel:a==1!a/data/b.csv.
        text = PurePath(path).name.join(re.split(rf"(?<![\w./~-]){re.escape(path)}(?![\w-])", text))
    return text


def _paths(value: object) -> Iterator[str]:
    """The absolute paths in a recipe's values, as written there and as messages show them."""
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
    """The path in a model's address, if it does not exist on this machine."""
    kind, _, path = source.removeprefix(WARM).partition(":")
    return path if kind == "file" and not Path(path).expanduser().exists() else None
