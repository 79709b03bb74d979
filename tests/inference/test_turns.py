"""Threads that share a tokenizer each get texts truncated to their own length."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pefbench
from pefbench.heads.examples import SequenceExample
from pefbench.inference.model import Model

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LENGTHS = (4, 16, 8)


def cut_to(model: Model, most: int) -> Model:
    """The model as if it had been trained on texts of so many tokens; its tokenizer is the same one."""
    ready = model._ready
    recipe = ready.recipe.with_train(max_length=most)
    return Model(replace(ready, recipe=recipe), model._head, model._kind, model._model)


def test_each_thread_has_its_text_cut_as_its_model_was_trained(
    classifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = pefbench.load(classifier)
    tell = type(model.tokenizer).set_truncation_and_padding

    def slowly(self: Any, *args: Any, **how: Any) -> None:
        tell(self, *args, **how)
        time.sleep(0.05)  # so that another thread tells it otherwise, if it may

    monkeypatch.setattr(type(model.tokenizer), "set_truncation_and_padding", slowly)
    example = SequenceExample("Anna saw the river " * 9, "")
    with ThreadPoolExecutor() as threads:
        found = threads.map(lambda each: each._encoded([example]), [cut_to(model, most) for most in LENGTHS])
    assert tuple(int(each.lengths[0]) for each in found) == LENGTHS
