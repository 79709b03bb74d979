"""Only safetensors are loaded: unpickling weights can run any code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

PICKLED = frozenset({".bin", ".ckpt", ".pkl", ".pt", ".pth"})


def refuse_pickles(folder: Path, source: str | None = None) -> None:
    """Raise SourceError if the folder has pickled weights and no safetensors. source: the name in the message."""
    pickled = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLED)
    if pickled and not _has_safetensors(folder):
        raise SourceError(
            f"{source or folder}: only pickled weights ({pickled[0]}), which can run code when loaded and are refused; "
            "turn them into safetensors first: pefbench convert FOLDER"
        )


def check_weights(folder: Path, source: str | None = None) -> None:
    """Raise SourceError unless the path is a folder with weights in safetensors. source: the name in the message."""
    if not folder.is_dir():
        raise SourceError(
            f"{source or folder}: not a folder or *.gguf file: a model is a folder with config.json and *.safetensors"
        )
    refuse_pickles(folder, source)
    if not _has_safetensors(folder):
        raise SourceError(
            f"{source or folder}: no *.safetensors in it: a model is a folder with config.json and *.safetensors; "
            "pickled weights are never loaded"
        )


def _has_safetensors(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))
