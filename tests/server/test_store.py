"""Served models share what is equal, and nothing else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pefbench.server.store import Store
from tests.tokenizers import CHAT, single_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_copies_of_a_tokenizer_are_one_in_memory(classifier: Path, tmp_path: Path) -> None:
    store, folder = Store(keep=2), classifier.with_suffix("")
    models = [store.open("here", folder).model, store.open("there", shutil.copytree(folder, tmp_path / "copy")).model]
    assert models[0].tokenizer is models[1].tokenizer


def test_tokenizers_that_lay_out_a_chat_otherwise_are_two() -> None:
    store, tokenizers = Store(keep=1), [single_bytes("llama") for _ in range(3)]
    for tokenizer, template in zip(tokenizers, (CHAT, CHAT, f"{CHAT} "), strict=True):
        tokenizer.chat_template = template
    first, second, third = map(store._tokenizer, tokenizers)
    assert first is second
    assert third.chat_template != first.chat_template
