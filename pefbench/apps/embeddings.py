"""The embeddings of an application's texts, in a file: only texts that it does not have are computed."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from pefbench.atomic import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class Embeddings:
    """Embeds texts as `embed` does. base: identifies the embedding model; vectors of another are not read."""

    def __init__(self, embed: Embed, base: str, file: Path) -> None:
        self._embed, self._base, self._file = embed, base, file
        self._known = self._read()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Each text's vector: (n, width). If some are new, the file has the vectors of these texts alone afterwards."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            known = self._known | dict(zip(new, self._embed(new), strict=True))
            self._known = {text: known[text] for text in texts}
            self._write()
        return np.stack([self._known[text] for text in texts])

    def _read(self) -> dict[str, NDArray[np.float32]]:
        """The vectors in the file; none if it is missing, damaged, or of another model."""
        try:
            with np.load(self._file, allow_pickle=False) as values:
                base, texts = json.loads(str(values["texts"]))
                vectors = np.asarray(values["vectors"], np.float32)
            return dict(zip(texts, vectors, strict=True)) if base == self._base else {}
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return {}

    def _write(self) -> None:
        texts = np.array(json.dumps([self._base, [*self._known]]))
        with writing(self._file) as partial, partial.open("wb") as stream:
            np.savez(stream, texts=texts, vectors=np.stack([*self._known.values()]))
