"""Reads a task's data as a recipe would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.recipe import resolve
from pefbench.trial import corpus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.trial.corpus import Corpus


def load(task: str, path: Path, options: Mapping[str, Any] | None = None, **data: Any) -> Corpus:
    """Return what a recipe with these options and fields of its data section reads of a file or folder."""
    raw = {
        "task": task,
        "data": {"source": f"file:{path}", **data},
        "options": dict(options or {}),
        "method": {"name": "full"},
    }
    return corpus.load(resolve(raw, name="r"))
