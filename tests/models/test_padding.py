"""Padding does not change what is computed for a text, whichever token it uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from transformers import AutoModel

from pefbench.errors import SourceError
from pefbench.heads import forward
from pefbench.heads.examples import SequenceExample
from pefbench.heads.sequence import SequenceHead
from pefbench.models import loading
from pefbench.sections import ModelSection
from pefbench.trial.batching import collate
from tests import tiny
from tests.sources.refusals import refusal
from tests.tokenizers import words

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

HEAD = SequenceHead(["a", "b", "c"])
TEXTS = ("w5 w6 w7", "w8 w9 w10 w11 w12 w13 w14")
SECTION = ModelSection(name="the model")


def saved(folder: Path, architecture: str, pad: str | None) -> Path:
    """A model that was pretrained with `[PAD]`, and a tokenizer that pads with another token, or none."""
    torch.manual_seed(0)
    AutoModel.from_config(tiny.config(architecture)).save_pretrained(folder)
    tokenizer = words("roberta")
    cast("Any", tokenizer).pad_token = pad
    tokenizer.save_pretrained(folder)
    return folder


def logits(folder: Path) -> tuple[Tensor, Tensor]:
    """The first text's logits beside a longer one, and alone."""
    tokenizer = loading.load_tokenizer(folder, SECTION, HEAD)
    config = loading.fit_config(folder, SECTION, HEAD, tokenizer)
    torch.manual_seed(1)
    model = loading.load_pretrained(folder, config, HEAD, attention="eager").eval()
    encoded = HEAD.encode(tokenizer, [SequenceExample(text, "a") for text in TEXTS], 32)
    with torch.no_grad():
        both, alone = (forward(model, collate(encoded, np.arange(rows))).logits[0] for rows in (2, 1))
    return both, alone


@pytest.mark.parametrize("pad", [None, "</s>", "w20"])
@pytest.mark.parametrize("architecture", ["roberta", "mpnet", "longformer", "bert"])
def test_the_token_that_pads_is_no_matter(tmp_path: Path, architecture: str, pad: str | None) -> None:
    expected, _ = logits(saved(tmp_path / "own", architecture, "[PAD]"))
    both, alone = logits(saved(tmp_path / "other", architecture, pad))
    torch.testing.assert_close(both, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(alone, expected, rtol=0, atol=1e-6)


def test_a_summary_of_the_last_position_reads_the_last_token(tmp_path: Path) -> None:
    """XLNet was pretrained with padding on the left."""
    both, alone = logits(saved(tmp_path, "xlnet", "[PAD]"))
    torch.testing.assert_close(both, alone, rtol=0, atol=1e-6)
    fields = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(fields | {"summary_type": "mean"}))
    assert "summary_type: mean" in refusal(SourceError, logits, tmp_path)


def test_positions_that_are_counted_from_a_token_that_is_not_there(tmp_path: Path) -> None:
    folder = saved(tmp_path, "roberta", None)
    number = tiny.VOCABULARY
    config = tiny.config("roberta", vocab_size=number + 1, pad_token_id=number, max_position_embeddings=2 * number)
    AutoModel.from_config(config).save_pretrained(folder)
    assert refusal(SourceError, logits, folder) == (
        "the model: its positions are counted from the padding token, which has id 64 in config.json, "
        "and its tokenizer has 64 tokens"
    )
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(fields | {"vocab_size": 10**6, "pad_token_id": 10**5}))
    assert refusal(SourceError, logits, folder) == (
        "the model: no RobertaForSequenceClassification can be made from its config.json: "
        "Padding_idx must be within num_embeddings"
    )
