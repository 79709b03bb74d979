"""Tokenizers in pure Python, such as ByT5's: whole texts work; tasks that need alignment are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
import yaml
from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

from pefbench.errors import SourceError
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.examples import SequenceExample
from pefbench.heads.marked import MarkedHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.span import SpanHead
from pefbench.heads.token import TokenHead
from pefbench.models import loading
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.sections import ModelSection
from pefbench.trial import run
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

END, SHIFT = 1, 3
"""ByT5: the ids of bytes come behind three special tokens."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random ByT5."""
    where = tmp_path_factory.mktemp("byt5")
    tokenizer = ByT5Tokenizer()
    tokenizer.save_pretrained(where)
    torch.manual_seed(0)
    sizes = {"vocab_size": 384, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    config = cast("Any", T5Config)(**sizes, decoder_start_token_id=0)
    T5ForConditionalGeneration(config).save_pretrained(where)
    return where


def tokenizer(folder: Path, head: Any) -> Any:
    return loading.load_tokenizer(folder, ModelSection(name="the model"), head)


def byte_ids(text: str) -> list[int]:
    return [byte + SHIFT for byte in text.encode()]


def test_texts_and_pairs_are_their_bytes(folder: Path) -> None:
    head = SequenceHead(["a", "b"], reads_end=True)
    texts = [("häuser", None), ("a</s>b<pad>", None), ("long " * 9, None)]
    examples = [SequenceExample(text, "a", pair) for text, pair in texts]
    encoded = head.encode(tokenizer(folder, head), examples, 20)
    assert [row.tolist() for row in encoded.features["input_ids"]] == [
        [*byte_ids("häuser"), END],
        [*byte_ids("a</s>b<pad>"), END],
        [*byte_ids("long " * 9)[:19], END],
    ]
    assert encoded.truncated == 1
    pairs = [SequenceExample("first", "a", "second, which is longer"), SequenceExample("one", "b", "two")]
    rows = head.encode(tokenizer(folder, head), pairs, 16).features["input_ids"]
    assert rows[1].tolist() == [*byte_ids("one"), END, *byte_ids("two"), END]
    assert len(rows[0]) == 16
    assert rows[0][:6].tolist() == [*byte_ids("first"), END]


def test_both_kinds_of_tokenizer_are_read_alike() -> None:
    """The path of Python's tokenizers gives what the fast one's gives: here of one and the same tokenizer."""
    from pefbench.heads import _texts
    from tests.tokenizers import words

    fast = words("bert")

    class Slow:
        is_fast = False

        def __call__(self, *args: Any, **options: Any) -> Any:
            return fast(*args, **options)

    texts, pairs = ["w5 w6 w7", "w5 " * 12, ""], ["w8", "w9 w10", "w11 w12"]
    for second in (None, pairs):
        for one, other in zip(
            _texts.encoded_texts(fast, texts, second, 9),
            _texts.encoded_texts(Slow(), texts, second, 9),  # type: ignore[arg-type]
            strict=True,
        ):
            assert one.ids == other.ids
            assert one.type_ids == other.type_ids
            assert one.special_tokens_mask == other.special_tokens_mask
            assert bool(one.overflowing) == other.overflowing


@pytest.mark.parametrize("head", [TokenHead(["O"]), SpanHead(), ChoiceHead(), MarkedHead(["a"])])
def test_what_traces_tokens_back_is_refused(folder: Path, head: Any) -> None:
    said = refusal(SourceError, tokenizer, folder, head)
    assert said.startswith("the model: its ByT5Tokenizer does not map tokens back to words or characters")


@pytest.mark.parametrize("task", ["sentiment", "summarization"])
def test_a_trial_runs(folder: Path, tmp_path: Path, task: str) -> None:
    draw = np.random.default_rng(0)
    rows = [f"{'good' if i % 2 else 'bad'} film {draw.integers(10**6)}" for i in range(60)]
    columns = ("text", "label") if task == "sentiment" else ("document", "summary")
    lines = [",".join(columns), *(f"{row},{'positive' if 'good' in row else 'negative'}" for row in rows)]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    values: dict[str, Any] = {
        "task": task,
        "model": {"name": f"file:{folder}"},
        "data": {"source": f"file:{tmp_path / 'data.csv'}"},
        "method": {"name": "lora"},
        "train": {"epochs": 0.5, "batch_size": 8, "max_length": 48, "precision": "fp32", "threads": 1},
    }
    if task == "summarization":
        values["options"] = {"max_new_tokens": 12}
    (tmp_path / "byt5.yaml").write_text(yaml.safe_dump(values))
    found = read_result(run.run(load_recipe(tmp_path / "byt5.yaml"), tmp_path / "results"))
    assert found["status"] == "finished"
    assert found["round_trip"]
    assert found["round_trip"]["reproduced"]
