"""Answers of a fine-tuned model, as JSON: python answer.py TEXT ..., or a text on each line of standard input.

With --json, each input is JSON: a text, or an object as `answer` takes it. Needs onnxruntime, tokenizers and numpy.
"""

import json
from pathlib import Path

from onnxruntime import InferenceSession
from tokenizers import Tokenizer


def load(folder: Path = Path(__file__).parent) -> tuple[dict, Tokenizer, InferenceSession]:
    """The settings, the tokenizer and the model."""
    settings = json.loads((folder / "bundle.json").read_text(encoding="utf8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True  # special tokens that a text spells out are text
    return settings, tokenizer, InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


class InputError(ValueError):
    """An input that cannot be answered."""


def text_of(given: dict, name: str, default: str | None = None) -> str:
    """A text of an input, or the default if it has none. Raises InputError."""
    text = default if given.get(name) is None else given[name]
    if not isinstance(text, str):
        raise InputError(f"{name!r} should be a text")
    return text
