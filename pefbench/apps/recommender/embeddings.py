"""The items' embeddings, cached in a file with a key of their inputs."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from pefbench.atomic import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pefbench.apps.recommender.reranking import Embed


def of(texts: Sequence[str], embed: Embed, base: str, file: Path) -> NDArray[np.float32]:
    """Each text's vector: (n, width). base: identifies the embedding model."""
    key = hashlib.sha256(json.dumps([base, list(texts)]).encode()).hexdigest()
    if (found := _kept(file, key)) is None:
        found = embed(texts)
        with writing(file) as partial, partial.open("wb") as stream:
            np.savez(stream, key=np.array(key), vectors=found)
    return found


def _kept(file: Path, key: str) -> NDArray[np.float32] | None:
    """The vectors in a file, if they have this key."""
    try:
        with np.load(file, allow_pickle=False) as values:
            return np.asarray(values["vectors"], np.float32) if str(values["key"]) == key else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
