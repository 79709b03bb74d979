"""Checks whether a result that was written on another machine is visible here."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.engines.messages import Message


def seen(request: Message, answer: Message) -> Message:
    """The answer of a trial that ran elsewhere; a failure if its result's folder is not shared with this machine."""
    out = str(request.get("out", ""))
    if "path" not in answer or "://" in out or _is_there(Path(out), PurePath(str(answer["path"]))):
        return answer
    told = f"it ran, but its result is not in {out} here; give --out a folder that all nodes see, or a store"
    return {"error": told, "exit_status": 1}


def _is_there(folder: Path, name: PurePath) -> bool:
    """Whether a file exists. Listing each folder makes a network file system ask the server instead of its cache."""
    for part in name.parts:
        try:
            if part not in {each.name for each in folder.iterdir()}:
                return False
        except FileNotFoundError:
            return False
        folder /= part
    return True
