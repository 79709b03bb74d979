"""Embeddings stored in a file: each text is embedded once per model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pefbench.apps.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Model:
    """A text's vector is its length and the number of the call that embedded it."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append([*texts])
        return np.array([[len(text), len(self.asked)] for text in texts], np.float32)


def test_only_new_texts_are_embedded_also_by_the_next_process(tmp_path: Path) -> None:
    model, file = Model(), tmp_path / "embeddings.npz"
    embed = Embeddings(model, "base", file)
    assert embed(["a", "bb", "a"]).tolist() == [[1, 1], [2, 1], [1, 1]]
    assert embed(["bb"]).tolist() == [[2, 1]]
    again = Embeddings(model, "base", file)
    assert again(["ccc", "bb"]).tolist() == [[3, 2], [2, 1]]
    assert model.asked == [["a", "bb"], ["ccc"]]
    assert Embeddings(model, "base", file)(["bb", "a"]).tolist() == [[2, 1], [1, 3]]  # a was no longer among the texts


def test_another_model_does_not_read_them(tmp_path: Path) -> None:
    model, file = Model(), tmp_path / "embeddings.npz"
    Embeddings(model, "base", file)(["a"])
    assert Embeddings(model, "other", file)(["a"]).tolist() == [[1, 2]]


@pytest.mark.parametrize("content", [b"", b"PK damaged", b"no archive"])
def test_a_damaged_file_is_written_again(tmp_path: Path, content: bytes) -> None:
    model, file = Model(), tmp_path / "embeddings.npz"
    file.write_bytes(content)
    assert Embeddings(model, "base", file)(["a"]).tolist() == [[1, 1]]
    assert Embeddings(model, "base", file)(["a"]).tolist() == [[1, 1]]


def test_any_text_is_read_back(tmp_path: Path) -> None:
    model, file, texts = Model(), tmp_path / "embeddings.npz", ["", "\0", "a\0", "\u4f60 \n\ud800", " a "]
    found = Embeddings(model, "base", file)(texts)
    assert np.array_equal(Embeddings(model, "base", file)(texts), found)
    assert len(model.asked) == 1
