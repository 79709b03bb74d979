"""Resolves a model's name in a recipe to a folder with config, tokenizer and safetensors, converting it if necessary.

A file in the GGUF format is converted. ``warm-started:`` before the address of an encoder makes an encoder-decoder from
two copies of it. Every other name is a source: see `pefbench.sources`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import sources
from pefbench.errors import SourceError
from pefbench.models.converted import gguf, warm_started
from pefbench.models.from_pretrained import ADAPTER, CONFIG, read_json

PREFIX = warm_started.PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sections import ModelSection


def folder(model: ModelSection) -> Path:
    """The local folder of a recipe's model, downloaded if necessary. Raises SourceError."""
    return locate(model.name, revision=model.revision, sha256=model.sha256)


def locate(source: str, *, revision: str | None = None, sha256: str | None = None) -> Path:
    """The local folder of a model, downloaded or converted if necessary. Raises SourceError."""
    if source.startswith(warm_started.PREFIX):
        encoder = locate(source.removeprefix(warm_started.PREFIX), revision=revision, sha256=sha256)
        return warm_started.encoder_decoder(encoder, source)
    path = sources.locate(source, revision=revision, sha256=sha256)
    where = gguf.converted(path, source) if gguf.is_gguf(path) else path
    _refuse_adapter(where, source)
    sources.check_weights(where, source)
    return where


def _refuse_adapter(where: Path, source: str) -> None:
    """Raise SourceError for a folder with an adapter, which transformers would silently load into the model."""
    if not (where / ADAPTER).is_file():
        return
    if (where / CONFIG).is_file():
        raise SourceError(
            f"{source}: the folder holds an adapter ({ADAPTER}) beside the model; merge it first, or move it away"
        )
    base = read_json(where / ADAPTER).get("base_model_name_or_path")
    raise SourceError(
        f"{source}: the folder is an adapter of {base}, not a model; name a model, or merge the two first"
    )
