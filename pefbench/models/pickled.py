"""Converts pickled weights to safetensors with torch's weights-only loader, which runs no code from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.errors import SourceError
from pefbench.models.from_pretrained import ADAPTER_WEIGHTS, read_json
from pefbench.models.reading import reading
from pefbench.sources.transport.weights import PICKLED

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

INDEX, ALONE, SAFE = "pytorch_model.bin.index.json", "pytorch_model.bin", "model.safetensors"
PICKLED_ADAPTER = "adapter_model.bin"
INSIDE = ("state_dict", "model_state_dict", "model")
"""Names under which training programs save the weights beside other things."""


def convert(folder: Path) -> Path:
    """Write the pickled weights in a model's or an adapter's folder as one safetensors file; return its path.

    Weights that share memory are written separately; transformers ties them again. Raises SourceError if the folder
    does not exist, if it contains nothing to convert, several candidate files or safetensors, or if a file contains
    more than tensors. Raises OutputError if the file cannot be written.
    """
    from safetensors.torch import save_file

    if not folder.is_dir():
        raise SourceError(f"{folder}: not a folder with pickled weights")
    if there := sorted(file.name for file in folder.glob("*.safetensors")):
        raise SourceError(f"{folder}: already has its weights in safetensors: {there[0]}")
    weights: dict[str, Tensor] = {}
    for file in _files(folder):
        weights |= _read(file)
    safe = folder / (ADAPTER_WEIGHTS if (folder / PICKLED_ADAPTER).is_file() else SAFE)
    with atomic.writing(safe) as temporary:
        save_file(_apart(weights), temporary, metadata={"format": "pt"})
    return safe


def _files(folder: Path) -> list[Path]:
    """The files that contain the weights: the shards that the index names, or the single file."""
    if shards := read_json(folder / INDEX).get("weight_map"):
        names = sorted(set(shards.values())) if isinstance(shards, dict) else []
        lost = [name for name in names if not isinstance(name, str) or not (folder / name).is_file()]
        if lost or not names:
            raise SourceError(f"{folder / INDEX}: names files that are not there: {', '.join(map(str, lost[:3]))}")
        if any((folder / name).resolve().parent != folder.resolve() for name in names):
            raise SourceError(f"{folder / INDEX}: names files outside of its folder")
        return [folder / name for name in names]
    found = sorted(file for file in folder.iterdir() if file.suffix in PICKLED)
    for name in (ALONE, PICKLED_ADAPTER):
        if (folder / name).is_file():
            return [folder / name]
    if len(found) != 1:
        there = ", ".join(file.name for file in found[:3]) or "no *.bin, *.pt or *.pth in it"
        raise SourceError(f"{folder}: cannot tell which file holds the weights; rename it to {ALONE}: {there}")
    return found


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors in one file, by name."""
    import torch

    with reading(f"{file}: cannot be read as plain weights, without running code"):
        found: Any = torch.load(file, map_location="cpu", weights_only=True)
    inner = [found[name] for name in INSIDE if isinstance(found, dict) and isinstance(found.get(name), dict)]
    weights = inner[0] if inner else found
    if not isinstance(weights, dict) or not weights:
        raise SourceError(f"{file}: should hold weights by name, holds a {type(weights).__name__}")
    for name, weight in weights.items():
        if not isinstance(name, str) or not isinstance(weight, torch.Tensor):
            raise SourceError(f"{file}: {str(name)[:100]} is not a tensor but a {type(weight).__name__}")
    return weights


def _apart(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same numbers in separate memory, as safetensors requires."""
    seen: set[int] = set()
    found = {}
    for name, weight in weights.items():
        where = weight.untyped_storage().data_ptr()
        found[name] = weight.contiguous().clone() if where in seen else weight.contiguous()
        seen.add(where)
    return found
