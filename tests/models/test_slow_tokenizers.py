"""Tokenizers without `tokenizer.json`: transformers converts them, and they read texts as before."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from transformers import BertConfig, DebertaV2Config, GPT2Config, LlamaConfig, PreTrainedConfig, T5Config

from pefbench.errors import SourceError
from pefbench.models import from_pretrained, loading
from pefbench.sections import ModelSection
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ("the cat sat on the mat", "a dog ran to the cat", "the mat is on a dog", "cats and dogs run and sit")


def folder(where: Path, config: type[PreTrainedConfig], tokenizer: str, **files: str | bytes) -> Path:
    """A model's folder with a config, and a tokenizer of this class in these files."""
    cast("Any", config)().save_pretrained(where)
    (where / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer, "eos_token": "</s>"}))
    for name, content in files.items():
        file = where / name.replace("_", ".", 1)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return where


def loaded(where: Path, *, words: bool = False) -> Any:
    head = cast("Any", SimpleNamespace(reads_words=words, needs_alignment=True))
    return loading.load_tokenizer(where, ModelSection(name="the model"), head)


def test_a_vocabulary_of_words_is_converted(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s"]
    tokenizer = loaded(folder(tmp_path, BertConfig, "BertTokenizer", vocab_txt="\n".join(words)))
    assert tokenizer.is_fast
    assert tokenizer("the cats dog").tokens() == ["[CLS]", "the", "cat", "##s", "[UNK]", "[SEP]"]
    assert tokenizer("the cats dog").word_ids() == [None, 0, 1, 1, 2, None]


def test_a_vocabulary_of_merges_is_converted(tmp_path: Path) -> None:
    pieces = ["<|endoftext|>", "</s>", "c", "a", "t", "Ġ", "ca", "cat", "Ġcat"]
    vocabulary = json.dumps({piece: number for number, piece in enumerate(pieces)})
    merges = "#version: 0.2\nc a\nca t\nĠ cat\n"
    where = folder(tmp_path, GPT2Config, "GPT2Tokenizer", vocab_json=vocabulary, merges_txt=merges)
    assert loaded(where)("cat cat").tokens() == ["cat", "Ġcat"]
    assert loaded(where, words=True)(["cat", "cat"], is_split_into_words=True).tokens() == ["Ġcat", "Ġcat"]


@pytest.mark.parametrize(
    ("config", "tokenizer", "file", "kind", "ends"),
    [
        (T5Config, "T5Tokenizer", "spiece_model", "unigram", ([], ["</s>"])),
        (DebertaV2Config, "DebertaV2Tokenizer", "spm_model", "unigram", (["[CLS]"], ["[SEP]"])),
        (LlamaConfig, "LlamaTokenizer", "tokenizer_model", "bpe", ([], [])),
    ],
)
def test_a_model_of_sentencepiece_is_converted(
    tmp_path: Path,
    config: type[PreTrainedConfig],
    tokenizer: str,
    file: str,
    kind: str,
    ends: tuple[list[str], list[str]],
) -> None:
    trainer = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    trainer.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=model, model_type=kind, vocab_size=40, hard_vocab_limit=False
    )
    direct = trainer.SentencePieceProcessor(model_proto=model.getvalue())
    converted = loaded(folder(tmp_path, config, tokenizer, **{file: model.getvalue()}))
    assert converted.is_fast
    for text in (*TEXTS, "the dogs sat"):
        encoded = converted(text)
        assert encoded.tokens() == [*ends[0], *direct.encode(text, out_type=str), *ends[1]]
        starts = [encoded.char_to_token(at) for at, letter in enumerate(text) if letter != " "]
        assert None not in starts, "each letter is traced back to a token"


def test_without_sentencepiece_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = folder(tmp_path, DebertaV2Config, "DebertaV2Tokenizer", spm_model=b"not one that can be read")
    monkeypatch.setattr(from_pretrained, "find_spec", lambda _: None)
    assert refusal(SourceError, loaded, where) == (
        "the model: its tokenizer is a SentencePiece model (spm.model), which needs the package sentencepiece: "
        "pip install 'pefbench[sentencepiece]'"
    )
    monkeypatch.setattr(from_pretrained, "find_spec", lambda _: object())
    assert refusal(SourceError, loaded, where).startswith("the model: no tokenizer: ")
