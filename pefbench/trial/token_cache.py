"""Tokenised splits on the disk, so that a second start does not tokenise again.

A file's name contains a hash of everything that its tokens depend on: the examples and the head that encodes them, the
tokenizer's files, the recipe's model section, the maximum length, this package's code and the libraries' versions. It
also contains a hash of the file's content, so that a damaged file is detected and made again. Files are written
atomically, and concurrent writers of the same file write the same bytes. If all files together exceed `MOST` bytes,
those unused for longest are removed. No error here fails a trial.
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
"""Smaller splits are not cached: tokenising them is faster than looking them up."""
MOST = 2 * 10**9
"""The maximum size of all files together, in bytes."""
ABANDONED = 3600
"""The age in seconds after which a temporary file is abandoned: its process was killed."""


class _Hashing:
    """A file object that hashes what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def folder() -> Path:
    """The folder of the files."""
    return cache_folder() / "tokens"


def encoded(
    recipe: Recipe,
    head: Head,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[Any],
    settings: Callable[[], str],
) -> Encoded:
    """A tokenised split, from the disk if it is there. settings: the fingerprint of the tokenizer's files."""
    key = _key(recipe, head, examples, settings) if len(examples) >= LEAST else None
    found = _read(key, tokenizer) if key else None
    if found is None:
        found = head.encode(tokenizer, examples, recipe.train.max_length)
        if key:
            _write(key, found)
    return found


def _key(recipe: Recipe, head: Head, examples: Sequence[Any], settings: Callable[[], str]) -> str | None:
    """A hash of everything that the tokens depend on; None if the head or the examples cannot be hashed."""
    hashing = _Hashing()
    about = [recipe.model.model_dump(mode="json"), recipe.train.max_length, settings()]
    about += [provenance.code_digest(), provenance.packages()]
    hashing.write(json.dumps(about, sort_keys=True).encode())
    try:
        # Equal bytes mean the same head and examples. Different bytes may mean the same, too, which only costs time.
        pickle.Pickler(hashing, protocol=5).dump((head, list(examples)))
    except (pickle.PicklingError, TypeError, AttributeError):
        return None
    return hashing.digest.hexdigest()


def _read(key: str, tokenizer: PreTrainedTokenizerFast) -> Encoded | None:
    """The split stored under a key; removes damaged files."""
    for path in folder().glob(f"{key}-*.arrow"):
        with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
            if _digest(path) == path.stem.rpartition("-")[2]:
                found = token_file.read(path, tokenizer)
                os.utime(path)  # marks it as recently used
                return found
        with suppress(OSError):
            path.unlink()
    return None


def _write(key: str, found: Encoded) -> None:
    """Store a split under a key, if it can be written."""
    with suppress(OSError, ValueError):
        content = token_file.content(found)
        if len(content) <= MOST:
            _make_room(len(content))
            path = folder() / f"{key}-{hashlib.sha256(content).hexdigest()}.arrow"
            with atomic.replacing(path) as temporary:
                temporary.write_bytes(content)


def _make_room(size: int) -> None:
    """Remove the files unused for longest until `size` more bytes are allowed."""
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
