"""Functions of bundles' scripts, and a session that returns given outputs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from pefbench.export.script import script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def parts_of(kind: str, traits: Sequence[str]) -> dict[str, Any]:
    """The names that a script defines."""
    found: dict[str, Any] = {"__name__": "answer", "__file__": "answer.py"}
    exec(compile(script(kind, traits), "answer.py", "exec"), found)
    return found


def reader_of(tokenizer: Any, cut: int | None = None) -> Tokenizer:
    """A tokenizer as a script opens it. cut: the length at which it cuts texts."""
    found = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    found.encode_special_tokens = True
    if cut:
        found.enable_truncation(cut)
    return found


class Session:
    """In place of onnxruntime's. logits: of one row's ids."""

    def __init__(self, logits: Callable[[list[int]], Any]) -> None:
        self.logits = logits

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input_ids"), SimpleNamespace(name="attention_mask")]

    def run(self, _: None, inputs: dict[str, Any]) -> list[Any]:
        assert inputs["input_ids"].dtype == np.int64
        return [np.asarray([self.logits(row) for row in inputs["input_ids"].tolist()], dtype=np.float32)]
