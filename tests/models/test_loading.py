"""Models on disk and in memory: saving and loading, counting weights, and small frozen weights."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from transformers import Gemma3Config, SwitchTransformersConfig

from pefbench.errors import DataError, SourceError
from pefbench.models import loading
from pefbench.registry import find
from pefbench.sections import ModelSection
from pefbench.trial import artifacts
from tests import tiny
from tests.tokenizers import words

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from pefbench.heads import Head
    from pefbench.methods import Method

HEAD = cast("Head", SimpleNamespace(auto_class="AutoModelForTokenClassification", task_type="TOKEN_CLS"))


def saved_base(folder: Path) -> Path:
    cast("Any", tiny.token_classifier("bert")).bert.save_pretrained(folder)
    return folder


def load(base: Path, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return loading.load_pretrained(base, tiny.config("bert"), HEAD, attention="eager")


def logits(model: nn.Module) -> Tensor:
    model.eval()
    with torch.no_grad():
        result: Tensor = model(**tiny.batch("bert")).logits
    return result


@pytest.mark.parametrize("name", ["full", "head_only", "lora", "bottleneck"])
def test_what_is_saved_is_loaded_with_its_head(tmp_path: Path, name: str) -> None:
    base = saved_base(tmp_path / "base")
    method: Method = find("method", name)(name=name)
    model = method.apply(load(base, seed=1), "TOKEN_CLS")
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight), alpha=0.1)
    written = artifacts.save(model, tmp_path / "saved", method)
    assert written >= 4 * loading.count(model, trainable=True)
    torch.manual_seed(2)
    again = artifacts.load_saved(tmp_path / "saved", base, tiny.config("bert"), HEAD, attention="eager")
    assert torch.equal(logits(again), logits(model))
    assert not torch.equal(logits(again), logits(load(base, seed=1)))


def test_trained_weights_without_the_head_are_refused(tmp_path: Path) -> None:
    base = saved_base(tmp_path / "base")
    model = load(base, seed=1).requires_grad_(requires_grad=False)
    model.get_parameter("bert.encoder.layer.0.output.dense.bias").requires_grad_()
    artifacts.save(model, tmp_path / "saved", find("method", "bitfit")(name="bitfit"))
    with pytest.raises(DataError, match=r"not weights of BertForTokenClassification: classifier.weight, classifier"):
        artifacts.load_saved(tmp_path / "saved", base, tiny.config("bert"), HEAD, attention="eager")


def test_a_base_that_was_examined_is_not_examined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = saved_base(tmp_path / "base")
    model = load(base, seed=1).requires_grad_(requires_grad=False)
    cast("Any", model).classifier.requires_grad_()
    artifacts.save(model, tmp_path / "saved", find("method", "head_only")(name="head_only"))
    found = loading.examine(base, tiny.config("bert"), HEAD, "base")
    monkeypatch.setattr(loading, "examine", lambda *_, **__: pytest.fail("examined again"))
    again = artifacts.load_saved(tmp_path / "saved", base, tiny.config("bert"), HEAD, attention="eager", found=found)
    assert torch.equal(logits(again), logits(model))


def test_a_tied_weight_counts_once() -> None:
    tied = tiny.causal_lm("gpt2")
    names = {name for name, _ in tied.named_parameters()}
    assert "transformer.wte.weight" in names
    assert "lm_head.weight" not in names
    assert loading.count(tied) == sum(weight.numel() for weight in tied.parameters())
    apart = tiny.causal_lm("gpt2", tie_word_embeddings=False)
    assert loading.count(apart) == loading.count(tied) + tiny.VOCABULARY * tiny.HIDDEN


def test_a_saved_head_is_kept_whatever_its_labels_are_called(tmp_path: Path) -> None:
    """BART's config has three labels by default, and its span head two outputs."""
    span = cast("Head", SimpleNamespace(auto_class="AutoModelForQuestionAnswering", task_type="QUESTION_ANS"))
    config = tiny.config("bart", num_labels=2)
    cast("Any", tiny.model("bart")).save_pretrained(tmp_path / "base")
    model: Any = loading.load_pretrained(tmp_path / "base", config, span, attention="eager")
    method: Method = find("method", "full")(name="full")
    artifacts.save(method.apply(model, "QUESTION_ANS"), tmp_path / "saved", method)
    again: Any = artifacts.load_saved(tmp_path / "saved", tmp_path / "base", config, span, attention="eager")
    assert torch.equal(again.qa_outputs.weight, model.qa_outputs.weight)


@pytest.mark.parametrize(
    ("own", "end", "expected"),
    [(None, 3, 3), (None, None, None), (None, 99, None), (0, None, 0), (0, 3, 0), (99, 3, 3), (99, None, None)],
)
def test_padding_without_an_embedding(tmp_path: Path, own: int | None, end: int | None, expected: int | None) -> None:
    """The token that the model was pretrained with, else the end."""
    base = saved_base(tmp_path / "base")
    fields = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(fields | {"pad_token_id": own}))
    section = ModelSection(name="the model")
    head: Any = SimpleNamespace(auto_class="AutoModelForTokenClassification", config=dict)
    tokenizer: Any = words("bert")
    tokenizer.add_special_tokens({"pad_token": "<out>"})
    assert tokenizer.pad_token_id >= tiny.VOCABULARY
    tokenizer.eos_token = None if end is None else tokenizer.convert_ids_to_tokens(end) if end < 99 else "<out>"
    if expected is None:
        with pytest.raises(SourceError, match=r"^the model: the padding token '<out>' has id \d+, but .* has 64 e"):
            loading.fit_config(base, section, head, tokenizer)
    else:
        assert loading.fit_config(base, section, head, tokenizer).pad_token_id == expected == tokenizer.pad_token_id


def test_a_tokenizer_that_makes_texts_empty_is_refused(tmp_path: Path) -> None:
    """Whole words under a Qwen2, which transformers reads as byte-level merges whatever the files say."""
    cast("Any", tiny.model("qwen2")).save_pretrained(tmp_path)
    words("qwen2").save_pretrained(tmp_path)
    head: Any = SimpleNamespace(reads_words=False, needs_alignment=True)
    with pytest.raises(SourceError, match=r"^the model: its Qwen2Tokenizer has no token for any letter from a to z"):
        loading.load_tokenizer(tmp_path, ModelSection(name="the model"), head)
    shutil.rmtree(tmp_path)
    cast("Any", tiny.model("gpt2")).save_pretrained(tmp_path)
    words("gpt2").save_pretrained(tmp_path)
    assert loading.load_tokenizer(tmp_path, ModelSection(name="the model"), head).tokenize("w7 a") == ["w7", "[UNK]"]


def test_a_limit_that_is_no_number_is_refused(tmp_path: Path) -> None:
    cast("Any", tiny.model("gpt2")).save_pretrained(tmp_path)
    words("gpt2").save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": "big"}))
    head: Any = SimpleNamespace(reads_words=False, needs_alignment=True)
    with pytest.raises(SourceError, match=r"^the model: model_max_length should be a number, got 'big'"):
        loading.load_tokenizer(tmp_path, ModelSection(name="the model"), head)


def test_a_switch_of_unlike_halves_is_refused(tmp_path: Path) -> None:
    SwitchTransformersConfig(num_layers=2, num_decoder_layers=3).save_pretrained(tmp_path)
    with pytest.raises(SourceError, match=r"^the model: its encoder has 2 layers and its decoder 3; "):
        loading.load_config(tmp_path, ModelSection(name="the model"))
    SwitchTransformersConfig(num_layers=2, num_decoder_layers=2).save_pretrained(tmp_path)
    assert loading.load_config(tmp_path, ModelSection(name="the model")).model_type == "switch_transformers"


def test_a_model_of_images_is_refused(tmp_path: Path) -> None:
    Gemma3Config(text_config={"vocab_size": 64}).save_pretrained(tmp_path)
    with pytest.raises(SourceError, match=r"^the model: a gemma3 reads images or sound as well as text"):
        loading.load_config(tmp_path, ModelSection(name="the model"))


@pytest.mark.parametrize("architecture", [*tiny.DECODERS, *tiny.MORE_DECODERS])
def test_a_head_for_tags_drops_as_the_backbone(architecture: str) -> None:
    from transformers import AutoModelForTokenClassification

    for rate in (None, 0.0, 0.3):
        config = tiny.config(architecture)
        named = {value for key, value in config.to_dict().items() if "drop" in key and isinstance(value, float)}
        if type(config) not in AutoModelForTokenClassification._model_mapping:
            pytest.skip("no such head in transformers")
        config = loading.name_dropout(config if rate is None else loading.set_dropout(config, rate), rate)
        with torch.device("meta"):
            model = AutoModelForTokenClassification.from_config(config)
        rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
        assert rates <= ((named | {0.0}) if rate is None else {rate}), rate
