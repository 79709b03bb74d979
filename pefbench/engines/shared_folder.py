"""Whether a result that was written on another machine is to be seen here."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.engines.messages import Message


def seen(request: Message, answer: Message) -> Message:
    """The answer of a trial that ran elsewhere, or a failure where the folder of its result is not the one of here."""
    out = str(request.get("out", ""))
    if "path" not in answer or "://" in out or _is_there(Path(out), PurePath(str(answer["path"]))):
        return answer
    told = f"it ran, but its result is not in {out} here; give --out a folder that all nodes see, or a store"
    return {"error": told, "exit_status": 1}


def _is_there(folder: Path, name: PurePath) -> bool:
    """Whether a file is there. Each folder is listed, for which a network's file system asks the server anew."""
    for part in name.parts:
        try:
            if part not in {each.name for each in folder.iterdir()}:
                return False
        except FileNotFoundError:
            return False
        folder /= part
    return True
