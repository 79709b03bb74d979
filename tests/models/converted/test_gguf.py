"""GGUF models: converted once, completely or not at all, to the same weights and tokenizer."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pefbench import sources
from pefbench.errors import SourceError
from pefbench.models import folders
from pefbench.models.converted import gguf as gguf_models
from tests import gguf_files, tiny
from tests.sources.refusals import refusal
from tests.tokenizers import CHAT, single_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def llama(*, tied: bool = True, seed: int = 0) -> Any:
    return tiny.causal_lm("llama", seed, vocab_size=gguf_files.PIECES, tie_word_embeddings=tied, initializer_range=0.5)


def written(folder: Path, model: Any, name: str = "tiny.gguf", **options: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    gguf_files.write(folder / name, model, **options)
    return f"file:{folder / name}"


@pytest.mark.parametrize("tied", [True, False])
def test_the_converted_model_is_the_model(tmp_path: Path, *, tied: bool) -> None:
    model = llama(tied=tied)
    where = folders.locate(written(tmp_path, model))
    sources.check_weights(where)
    again = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, use_safetensors=True)
    ids = torch.randint(4, gguf_files.PIECES, (2, 9), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(again(ids).logits, model(ids).logits, atol=1e-5)
    config = json.loads((where / "config.json").read_text(encoding="utf8"))
    assert "quantization_config" not in config
    assert config["tie_word_embeddings"] is tied


def test_the_tokenizer_and_its_chat_template_come_along(tmp_path: Path) -> None:
    where = folders.locate(written(tmp_path, llama()))
    tokenizer, own = AutoTokenizer.from_pretrained(where), single_bytes()
    assert tokenizer.chat_template == CHAT
    assert tokenizer.is_fast
    for text in ("Où est  l'été ?\n", "日本 12345", " x"):
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == own(text)["input_ids"]
        assert tokenizer.decode(own(text)["input_ids"]) == text
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (tiny.PAD, tiny.END)
    plain = folders.locate(written(tmp_path, llama(seed=1), "plain.gguf", chat_template=None))
    assert AutoTokenizer.from_pretrained(plain).chat_template is None


def test_a_file_is_converted_once_and_another_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path, llama())
    converted = []
    own = gguf_models._write

    def counted(*given: Any) -> None:
        converted.append(1)
        own(*given)

    monkeypatch.setattr(gguf_models, "_write", counted)
    first = folders.locate(source)
    assert folders.locate(source) == first
    assert folders.locate(written(tmp_path / "b", llama(), "Other.GGUF")) == first  # the same bytes elsewhere
    assert converted == [1]
    assert folders.locate(written(tmp_path, llama(seed=1))) != first
    assert converted == [1, 1]
    monkeypatch.setattr(gguf_models, "CONVERTER", "next")
    assert folders.locate(source) not in {first, None}
    assert converted == [1, 1, 1]


def test_what_is_killed_half_way_leaves_nothing_that_counts(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path, llama())
    own = gguf_models._write

    def killed(*given: Any) -> None:
        own(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(gguf_models, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        folders.locate(source)
    assert [path.name for path in (cache / "gguf").iterdir() if path.is_dir()] == []
    monkeypatch.setattr(gguf_models, "_write", own)
    sources.check_weights(folders.locate(source))


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (lambda data: b"PK" + data, "not a GGUF file: it does not begin with GGUF"),
        (lambda _: b"", "not a GGUF file"),
        (lambda data: data[:6], "not a GGUF model that transformers reads: "),
        (lambda data: data[:200], "not a GGUF model that transformers reads: "),
        (lambda data: data[: len(data) // 2], "not a GGUF model that transformers reads: "),
        (lambda data: data[:-4000], "not a GGUF model that transformers reads: "),
        (lambda data: data.replace(b"llama", b"nolla"), "not a GGUF model that transformers reads: "),
    ],
)
def test_a_broken_file_is_one_line_and_leaves_nothing(tmp_path: Path, cache: Path, broken: Any, expected: str) -> None:
    source = written(tmp_path, llama())
    file = tmp_path / "tiny.gguf"
    file.write_bytes(broken(file.read_bytes()))
    assert refusal(SourceError, folders.locate, source).startswith(f"{source}: {expected}")
    assert [path.name for path in (cache / "gguf").iterdir() if path.is_dir()] == []


def test_another_digest_is_refused_before_anything_is_converted(tmp_path: Path, cache: Path) -> None:
    source = written(tmp_path, llama())
    assert "expected " + "0" * 64 in refusal(SourceError, folders.locate, source, sha256="0" * 64)
    assert not cache.exists()


def test_a_missing_package_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "gguf":
            raise PackageNotFoundError(name)
        return "5"

    source = written(tmp_path, llama())
    monkeypatch.setattr(gguf_models, "version", version)
    assert refusal(SourceError, folders.locate, source).endswith("needs the package gguf: pip install 'pefbench[gguf]'")


def test_what_lies_beside_the_file_is_not_read(tmp_path: Path) -> None:
    source = written(tmp_path, llama())
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "no/where", "peft_type": "LORA"}')
    (tmp_path / "tokenizer_config.json").write_text(
        '{"chat_template": "other", "auto_map": {"AutoTokenizer": ["x.Y"]}}'
    )
    (tmp_path / "chat_template.jinja").write_text("other")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "auto_map": {"AutoConfig": "x.Y"}}')
    where = folders.locate(source)
    assert json.loads((where / "config.json").read_text(encoding="utf8"))["model_type"] == "llama"
    assert AutoTokenizer.from_pretrained(where).chat_template == CHAT
    assert sorted(file.name for file in where.iterdir() if file.suffix == ".jinja") == ["chat_template.jinja"]


def test_a_chat_template_cannot_reach_out_of_its_sandbox(tmp_path: Path) -> None:
    template = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    where = folders.locate(written(tmp_path, llama(), chat_template=template))
    tokenizer = cast("Any", AutoTokenizer.from_pretrained(where))
    with pytest.raises(Exception, match="unsafe"):
        tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False)
