"""Answers of a fine-tuned model: python answer.py TEXT ..., or texts on standard input, one per line.

Each answer is one line of JSON. With --json, each input is JSON: a string, or an object if the model needs more than a
text. Needs only onnxruntime, tokenizers and numpy. In Python: ``from answer import Bundle, answer``, then
``answer(Bundle(), "A text.")``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]
Answer = dict[str, Any]  # JSON; its fields depend on the kind of model


class Bundle:
    """The model, its tokenizer, and the settings in bundle.json."""

    def __init__(self, folder: Path = Path(__file__).parent) -> None:
        # The export wrote this file for this script.
        self.settings: dict[str, Any] = json.loads((folder / "bundle.json").read_text(encoding="utf8"))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.tokenizer.encode_special_tokens = True  # special tokens that a text spells out are text
        self.session = InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]

    def __getitem__(self, name: str) -> Any:
        """One of the settings."""
        return self.settings[name]

    def ids(self, text: str) -> Array:
        """A text's token ids, (tokens,)."""
        return np.asarray(self.tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)

    def logits(self, rows: Sequence[Array], types: Sequence[Array] = ()) -> Array:
        """The model's output for rows of token ids, (rows, ...)."""
        given = {
            "input_ids": padded(rows, self["pad"]),
            "attention_mask": padded([np.ones_like(row) for row in rows], 0),
            "token_type_ids": padded(types or [np.zeros_like(row) for row in rows], self["pad_type"]),
        }
        output: Array = self.session.run(None, {name: given[name] for name in self.names})[0]
        return output.astype(np.float64)


def padded(rows: Sequence[Array], padding: int) -> Array:
    """Rows of different lengths, padded to one array (rows, longest)."""
    found = np.full((len(rows), max(map(len, rows))), padding, dtype=np.int64)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    chances: Array = powers / powers.sum(-1, keepdims=True)
    return chances
