"""What identifies a model beyond its name: a folder can change in place, and a result is of what was there."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.errors import OutputError
from pefbench.models.from_pretrained import ADAPTER, CONFIG, read_json
from pefbench.paths import cache_folder
from pefbench.sources.transport.digests import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SETTINGS = (CONFIG, "generation_config.json", ADAPTER)
"""Files whose JSON says how a model computes."""
TOKENIZERS = ("tokenizer*", "vocab*", "merges.txt", "*.model", "*.jinja", "special_tokens_map.*", "added_tokens.*")
"""Files that a tokenizer is read from."""
INCIDENTAL = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "base_model_name_or_path"}
"""Fields of the settings that change nothing: weights are read in fp32."""
LARGE = 2**26
"""Bytes from which a file's digest is remembered: reading it takes longer than a look into the cache."""
STILL = 2.0
"""Seconds for which a file must not have changed before its digest is remembered: clocks of file systems are coarse."""


def of_weights(where: Path) -> str:
    """A sha256 over the model's weight files, so that results on other weights are never taken for alike."""
    digest = hashlib.sha256()
    for file in sorted(where.glob("*.safetensors")):
        digest.update(bytes.fromhex(_digest(file)))
    return digest.hexdigest()


def of_settings(folders: Iterable[Path]) -> str:
    """A sha256 over what the folders of a model, its tokenizer and its adapters say beside the weights."""
    digest = hashlib.sha256()
    for folder in folders:
        for name in SETTINGS:
            fields = {key: value for key, value in read_json(folder / name).items() if key not in INCIDENTAL}
            digest.update(json.dumps(fields, sort_keys=True).encode())
        for file in sorted({file for pattern in TOKENIZERS for file in folder.glob(pattern) if file.is_file()}):
            digest.update(file.name.encode() + bytes.fromhex(_digest(file)))
    return digest.hexdigest()


def _digest(file: Path) -> str:
    """The sha256 of a file; a large one is read again only after it has changed.

    A digest is remembered under the file's inode, size, and times of change. The system sets the last of them at every
    change, and no program can set it back.
    """
    status = file.stat()
    if status.st_size < LARGE:
        return digest_of(file)
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    remembered = cache_folder() / "digests" / "-".join(map(str, state))
    with suppress(OSError, ValueError):
        found = remembered.read_text(encoding="ascii")
        if len(bytes.fromhex(found)) == hashlib.sha256().digest_size:
            return found
    found = digest_of(file)
    if time.time() - max(status.st_mtime, status.st_ctime) > STILL:
        with suppress(OutputError):
            atomic.write_text(remembered, found)
    return found
