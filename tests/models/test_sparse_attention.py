"""BigBird: a batch's attention depends on its own length, not on earlier batches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import torch

from pefbench.heads.token import TokenHead
from pefbench.models import loading, sparse_attention
from tests import tiny
from tests.grid import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SHORT, LONG = 28, 32
"""(5 + 2 x 1 random block) x 4 tokens a block are too few for sparse attention."""


def loaded(folder: Path) -> Any:
    config = tiny.config("bigbird", num_labels=len(LABELS))
    if not folder.exists():
        torch.manual_seed(0)
        cast("Any", tiny.model("bigbird")).bert.save_pretrained(folder)
    torch.manual_seed(1)
    return loading.load_pretrained(folder, config, TokenHead(LABELS), attention="eager").eval()


def logits(model: Any, length: int) -> torch.Tensor:
    ids = torch.arange(4, 4 + length)[None]
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return found


def test_a_text_has_the_same_answer_whatever_came_before_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = loaded(tmp_path / "base")
    with caplog.at_level(logging.WARNING):
        first = logits(model, LONG)
        kind = model.bert.attention_type
        short = logits(model, SHORT)
        before = torch.get_rng_state()
        assert torch.equal(logits(model, LONG), first)
        assert torch.equal(torch.get_rng_state(), before)
    assert (kind, model.bert.attention_type) == ("block_sparse", "block_sparse")
    assert torch.equal(logits(loaded(tmp_path / "base"), SHORT), short)
    assert not [record for record in caplog.records if "Attention type" in record.getMessage()]


def test_where_no_text_is_long_enough_the_attention_is_full() -> None:
    config: Any = tiny.config("bigbird")
    sparse_attention.settle(config, LONG)
    assert config.attention_type == "block_sparse"
    sparse_attention.settle(config, SHORT)
    assert config.attention_type == "original_full"
    other: Any = tiny.config("bert")
    sparse_attention.settle(other, SHORT)
    assert not hasattr(other, "attention_type")


def test_full_attention_is_what_transformers_falls_back_to(tmp_path: Path) -> None:
    model = loaded(tmp_path / "base")
    config: Any = tiny.config("bigbird", num_labels=len(LABELS), attention_type="original_full")
    torch.manual_seed(1)
    full: Any = loading.load_pretrained(tmp_path / "base", config, TokenHead(LABELS), attention="eager").eval()
    torch.testing.assert_close(logits(model, SHORT), logits(full, SHORT))
    assert (logits(model, LONG) - logits(full, LONG)).abs().max() > 1e-6
