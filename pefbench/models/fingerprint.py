"""Fingerprints that identify a model beyond its name: a folder can change in place after a result is recorded."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pefbench.models.from_pretrained import ADAPTER, CONFIG, read_json
from pefbench.models.remembered import remembered
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SETTINGS = (CONFIG, "generation_config.json", ADAPTER)
"""Files whose JSON affects what a model computes."""
TOKENIZERS = ("tokenizer*", "vocab*", "merges.txt", "*.model", "*.jinja", "special_tokens_map.*", "added_tokens.*")
"""Files that a tokenizer is loaded from."""
INCIDENTAL = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "base_model_name_or_path"}
"""Fields of the settings that have no effect: weights are read in fp32."""


def of_weights(where: Path) -> str:
    """A sha256 over the model's weight files, so that results on different weights are never mixed up."""
    digest = hashlib.sha256()
    for file in sorted(where.glob("*.safetensors")):
        digest.update(bytes.fromhex(_digest(file)))
    return digest.hexdigest()


def of_settings(folders: Iterable[Path]) -> str:
    """A sha256 over the settings in the folders of a model, its tokenizer and its adapters, without the weights."""
    digest = hashlib.sha256()
    for folder in folders:
        for name in SETTINGS:
            fields = {key: value for key, value in read_json(folder / name).items() if key not in INCIDENTAL}
            digest.update(json.dumps(fields, sort_keys=True).encode())
        for file in sorted({file for pattern in TOKENIZERS for file in folder.glob(pattern) if file.is_file()}):
            digest.update(file.name.encode() + bytes.fromhex(_digest(file)))
    return digest.hexdigest()


def _digest(file: Path) -> str:
    """The sha256 of a file; that of a large file is cached until the file changes."""
    return remembered(file, "digests", digest_of, _check_digest)


def _check_digest(text: str) -> None:
    """Raise ValueError if this is not a digest."""
    if len(bytes.fromhex(text)) != hashlib.sha256().digest_size:
        raise ValueError("not a sha256")
