"""Tokenised splits on the disk, so that a second start does not tokenise again.

A file's name is a hash of all that its tokens depend on: the examples with the head that lays them out, the tokenizer's
files, the model's section of the recipe, the maximum length, this package's code and the libraries' versions; and a
hash of what is in it, by which a damaged one is found, and made again. It appears whole or not at all, two that write
the same write the same bytes, and the files that were not used for longest go where all take more than `MOST`. Nothing
here can fail a trial.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import pickle
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.paths import cache_folder
from pefbench.results import provenance
from pefbench.trial import token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded, Head
    from pefbench.recipe import Recipe

LEAST = 200
"""Examples of a split; fewer are tokenised sooner than looked up."""
MOST = 2 * 10**9
"""Bytes of all files together."""
ABANDONED = 3600
"""Seconds after which what was being written will not be finished: its process was killed."""


class _Hashing:
    """A file that keeps a hash of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def folder() -> Path:
    """Where the files are."""
    return cache_folder() / "tokens"


def encoded(
    recipe: Recipe,
    head: Head,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Any],
    settings: Callable[[], str],
) -> Encoded:
    """A split, tokenised, from the disk where it is there. settings: the fingerprint of the tokenizer's files."""
    key = _key(recipe, head, examples, settings) if len(examples) >= LEAST else None
    found = _read(key, tokenizer) if key else None
    if found is None:
        found = head.encode(tokenizer, examples, recipe.train.max_length)
        if key:
            _write(key, found)
    return found


def _key(recipe: Recipe, head: Head, examples: Sequence[Any], settings: Callable[[], str]) -> str | None:
    """A hash of all that the tokens depend on; None for a head or examples that cannot be hashed."""
    hashing = _Hashing()
    about = [recipe.model.model_dump(mode="json"), recipe.train.max_length, settings()]
    about += [provenance.code_digest(), provenance.packages()]
    hashing.write(json.dumps(about, sort_keys=True).encode())
    try:
        # The same bytes mean the same head and examples; other bytes may, too, which costs only time.
        pickle.Pickler(hashing, protocol=5).dump((head, list(examples)))
    except (pickle.PicklingError, TypeError, AttributeError):
        return None
    return hashing.digest.hexdigest()


def _read(key: str, tokenizer: PreTrainedTokenizerFast) -> Encoded | None:
    """What is there under a key; what is damaged is removed."""
    for path in folder().glob(f"{key}-*.arrow"):
        with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
            if _digest(path) == path.stem.rpartition("-")[2]:
                found = token_file.read(path, tokenizer)
                os.utime(path)  # used now
                return found
        with suppress(OSError):
            path.unlink()
    return None


def _write(key: str, found: Encoded) -> None:
    """Put a split under a key, if it can be written."""
    with suppress(OSError, ValueError):
        content = token_file.content(found)
        if len(content) <= MOST:
            _make_room(len(content))
            path = folder() / f"{key}-{hashlib.sha256(content).hexdigest()}.arrow"
            with atomic.replacing(path) as temporary:
                temporary.write_bytes(content)


def _make_room(size: int) -> None:
    """Remove the files that were not used for longest until `size` bytes more are allowed."""
    for file in folder().glob(f"{atomic.TEMPORARY_PREFIX}*"):
        if time.time() - file.stat().st_mtime > ABANDONED:
            file.unlink(missing_ok=True)
    files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder().glob("*.arrow"))
    total = sum(taken for _, taken, _ in files) + size
    for _, taken, file in files:
        if total <= MOST:
            break
        file.unlink(missing_ok=True)
        total -= taken


def _digest(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return hashlib.sha256(content).hexdigest()
