"""Reads an adapter's files: its parts, prefix and head, for one base."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.models import sparse_attention
from pefbench.models.from_pretrained import ADAPTER, ADAPTER_WEIGHTS, read_json
from pefbench.models.reading import reading
from pefbench.server import mixing
from pefbench.server.mixing.part import Adapter, Unmixed
from pefbench.trial.adapters import TRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor
    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.server.base import Base
    from pefbench.server.heads import Own, Shell

WRAPPED = ("base_model.model.", "base_model.")
"""Prefixes that PEFT adds to the names of a model's modules."""
PREFIXES = ("prompt_embeddings", "mam_prefix")
"""How the names of saved prefixes begin."""
SHARED_FILES = {"part", "prefixes"}
"""Files of `mixing/` that do not implement an adapter type."""


def check(folder: Path, head: Head, config: PretrainedConfig) -> None:
    """Raise Unmixed if the model in `folder` cannot share batches.

    That holds for a type without a file in `mixing/`, for an encoder-decoder that generates texts, and for a base whose
    results depend on the padded length of a batch.
    """
    _type(folder)
    if head.generates and head.task_type != "CAUSAL_LM":
        raise Unmixed("an encoder reads what it answers with a text")
    if sparse_attention.is_sparse(config):
        raise Unmixed("its attention is sparse, and depends on the length of a batch")


def read(folder: Path, shell: Shell | Own, base: Base) -> Adapter:
    """The adapter in a folder. Raises Unmixed if it cannot share batches, DataError if it is damaged."""
    kind, config = _type(folder)
    weights = _weights(folder / (ADAPTER_WEIGHTS if config else TRAINED))
    head = {name: weights.pop(name) for name in [*weights] if name in shell.names}
    other = {name for name, shape in shell.names.items() if name not in head or tuple(head[name].shape) != shape}
    if other:
        raise DataError(f"{folder}: damaged: the adapter does not hold the model's head ({', '.join(sorted(other))})")
    prefixes = [name for name in weights if name.startswith(PREFIXES)]
    place = base.place
    prefix = place.prefix(place.cast(weights.pop(prefixes[0]))) if prefixes else []
    inside = {name.removeprefix(f"{shell.backbone}."): weight for name, weight in weights.items()}
    file = importlib.import_module(f"{mixing.__name__}.{kind}")
    parts = file.parts(config, inside, place)
    return Adapter(parts, {name: weight.float() for name, weight in head.items()}, prefix)


def _type(folder: Path) -> tuple[str, Mapping[str, Any]]:
    """The type of the adapter in a folder, and its configuration. Raises Unmixed if it has no file in `mixing/`."""
    if (folder / TRAINED).is_file():
        return "trained", {}
    if not (folder / ADAPTER).is_file():
        raise Unmixed("it is a whole model")
    config = read_json(folder / ADAPTER)
    kind = str(config.get("peft_type")).lower()
    known = {module.name for module in pkgutil.iter_modules(mixing.__path__)} - SHARED_FILES
    if kind not in known:
        raise Unmixed(f"adapters of type {kind.upper()} do not share batches")
    return kind, config


def _weights(file: Path) -> dict[str, Tensor]:
    """A file's weights, by their names in the model; copied to memory, so that the file may be replaced."""
    from safetensors.torch import load

    with reading(f"{file}: the weights cannot be read", DataError):
        found = load(file.read_bytes())
    return {_plain(name): weight.clone() for name, weight in found.items()}


def _plain(name: str) -> str:
    for before in WRAPPED:
        if name.startswith(before):
            return name.removeprefix(before)
    return name
