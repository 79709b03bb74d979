"""The chunks of a text that are reported during generation add up to the text."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from pefbench.heads._writing import Writing
from pefbench.heads.search import DecoderPrompt, Search, Wanted

END = 256
WORDS = ("</s>", "\u2581Hi", "\u2581ok")


def with_bytes() -> PreTrainedTokenizerFast:
    """A tokenizer whose first tokens are the bytes, as Llama's and Gemma's have them for what they have no word for."""
    names = (*(f"<0x{byte:02X}>" for byte in range(END)), *WORDS)
    tokenizer = Tokenizer(models.WordLevel({name: at for at, name in enumerate(names)}, unk_token="</s>"))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>")


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (
            [257, *"\N{GRINNING FACE}".encode(), *"\N{GRINNING FACE}".encode(), 258],
            " Hi\N{GRINNING FACE}\N{GRINNING FACE} ok",
        ),
        ([257, *"\N{GRINNING FACE}".encode(), 255, 258], " Hi\ufffd\ufffd\ufffd\ufffd\ufffd ok"),
        ([257, *"\N{GRINNING FACE}".encode(), 240], " Hi\ufffd\ufffd\ufffd\ufffd\ufffd"),
    ],
)
def test_bytes_are_told_once_no_later_one_changes_them(tokens: list[int], text: str) -> None:
    told: list[str] = []

    def tell(piece: str) -> bool:
        told.append(piece)
        return True

    wanted = Wanted(Search(), told=tell)
    prompt = DecoderPrompt(np.array([END]), 1, END, with_bytes(), wanted=wanted)
    writing, whole = Writing(prompt, Search(), [END]), np.array([*tokens, END])
    assert [writing.goes_on(whole[: at + 1]) for at in range(len(whole))] == [*(True for _ in tokens), False]
    assert writing.written(whole).text == text
    assert "".join(told) == text
    assert len(told) > 1
