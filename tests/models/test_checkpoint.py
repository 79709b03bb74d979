"""Checkpoints: every weight of the backbone is loaded, and a head only if its labels are ours."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    BertForTokenClassification,
    CanineConfig,
    CanineModel,
    RobertaConfig,
    RobertaModel,
    T5EncoderModel,
    XLNetConfig,
    XLNetModel,
)

from pefbench.errors import MethodError, RecipeError, SourceError
from pefbench.models import checkpoint, fingerprint, from_pretrained, loading
from pefbench.registry import find
from pefbench.remarks import Odd
from tests import tiny
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from transformers import PreTrainedConfig, PreTrainedTokenizerFast

    from pefbench.models.checkpoint import Checkpoint
    from pefbench.models.loading import HeadSpec

HEAD = cast("HeadSpec", SimpleNamespace(auto_class="AutoModelForSequenceClassification", task_type="SEQ_CLS"))
NAMES = ["bad", "fair", "good"]


def named(labels: list[str], architecture: str = "bert", **changes: Any) -> PreTrainedConfig:
    numbers = {label: i for i, label in enumerate(labels)}
    named = {"num_labels": len(labels), "id2label": dict(enumerate(labels)), "label2id": numbers}
    return tiny.config(architecture, **(named | changes))


def bert(folder: Path, labels: list[str] | None = None) -> Path:
    """A BERT with a head for these labels, or without one."""
    torch.manual_seed(5)
    model: Any = BertForSequenceClassification(cast("Any", named(labels or NAMES)))
    with torch.no_grad():
        model.classifier.bias.normal_()
    (model if labels else model.bert).save_pretrained(folder)
    return folder


def change(folder: Path, how: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    file = folder / "model.safetensors"
    save_file(how(load_file(file)), file, metadata={"format": "pt"})


def examine(folder: Path, labels: list[str] = NAMES, architecture: str = "bert") -> Checkpoint:
    return loading.examine(folder, named(labels, architecture), HEAD, "the model")


def said(found: Checkpoint) -> list[str]:
    """What a result says of the head."""
    return checkpoint.head_notes([("the checkpoint", found.head, found.why_fresh)])


def load(folder: Path, labels: list[str], seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return loading.load_pretrained(folder, named(labels), HEAD, attention="eager").eval()


def logits(model: Any) -> torch.Tensor:
    batch = tiny.batch("bert")
    del batch["labels"]
    with torch.no_grad():
        found: torch.Tensor = model(**batch).logits
    return found


def test_a_bare_backbone_gets_a_new_head_without_a_word(tmp_path: Path) -> None:
    found = examine(bert(tmp_path))
    assert (found.head, found.notes, said(found)) == ("absent", (), [])
    assert (found.vocabulary, found.token_types, found.positions) == (tiny.VOCABULARY, 2, 64)


def test_looking_draws_no_random_number(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    before = torch.get_rng_state()
    examine(folder)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
@pytest.mark.parametrize("labels", [None, NAMES])
def test_what_wrappers_leave_before_every_name_is_read_past(
    tmp_path: Path, prefix: str, labels: list[str] | None
) -> None:
    folder = bert(tmp_path / "base", labels)
    plain, expected = {*load_file(folder / "model.safetensors")}, logits(load(folder, NAMES))
    change(folder, lambda weights: {prefix + name: weight for name, weight in weights.items()})
    found = examine(folder)
    assert found.notes[0] == (
        f"the names of all {len(plain)} weights begin with {prefix}, left by torch.compile or DDP; it was removed"
    )
    model = load(folder, NAMES)
    assert torch.equal(logits(model), expected)
    model.save_pretrained(tmp_path / "again")
    assert {*load_file(tmp_path / "again" / "model.safetensors")} == {*model.state_dict()}
    kept = loading.read_weights(folder)
    torch.manual_seed(0)
    copied = loading.load_pretrained(folder, named(NAMES), HEAD, attention="eager", weights=kept)
    assert torch.equal(logits(copied.eval()), expected)


@pytest.mark.parametrize("prefix", ["_orig_mods.", "modules.", "model.encoder_q.", "a._orig_mod."])
def test_a_backbone_under_other_names_is_refused(tmp_path: Path, prefix: str) -> None:
    folder = bert(tmp_path)
    change(folder, lambda weights: {prefix + name: weight for name, weight in weights.items()})
    message = refusal(SourceError, examine, folder)
    assert "none of the backbone's 37 weights is in the checkpoint" in message
    assert f"and has {prefix}" in message
    assert len(message) < 500


def test_a_class_that_is_no_name_is_none_that_transformers_has(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(fields | {"architectures": [1, None]}))
    assert not examine(folder).notes


def test_code_of_a_class_that_transformers_has_is_warned_of_and_other_code_refused(tmp_path: Path) -> None:
    """As an encoder with the weights of a decoder: the attention is its code's alone."""
    folder = bert(tmp_path)
    fields = json.loads((folder / "config.json").read_text())
    mapping = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    (folder / "config.json").write_text(json.dumps(fields | {"auto_map": mapping}))
    message = refusal(SourceError, examine, folder)
    assert message.endswith(
        ": it needs custom code (own.Model, named in config.json), and code from a source is never run"
    )
    mapping = {"AutoConfig": "own.Config", "AutoModel": "own.BertModel"}
    (folder / "config.json").write_text(json.dumps(fields | {"auto_map": mapping}))
    [warning] = examine(folder).notes
    assert isinstance(warning, Odd)
    assert warning == (
        "config.json names custom code for the model (own.BertModel), which is never run; "
        "transformers' BertForSequenceClassification is used instead and may compute something else"
    )
    (folder / "config.json").write_text(json.dumps(fields | {"auto_map": {"AutoConfig": "own.Config"}}))
    assert not examine(folder).notes


@pytest.mark.parametrize("wrapper", ["", "_orig_mod."])
@pytest.mark.parametrize("in_memory", [False, True])
def test_a_decoder_answers_questions_with_its_own_weights(tmp_path: Path, wrapper: str, in_memory: bool) -> None:
    """What LlamaForCausalLM calls `model`, LlamaForQuestionAnswering calls `transformer`; and back again."""
    span = cast("HeadSpec", SimpleNamespace(auto_class="AutoModelForQuestionAnswering", task_type="QUESTION_ANS"))
    torch.manual_seed(0)
    theirs: Any = tiny.causal_lm("llama", tie_word_embeddings=False)
    theirs.save_pretrained(tmp_path / "a")
    (tmp_path / "a" / "generation_config.json").unlink()
    change(tmp_path / "a", lambda weights: {wrapper + key: weight for key, weight in weights.items()})
    config = from_pretrained.config(tmp_path / "a", "the model", num_labels=2)
    weights = loading.read_weights(tmp_path / "a") if in_memory else None
    model: Any = loading.load_pretrained(tmp_path / "a", config, span, attention="eager", weights=weights)
    for key, weight in theirs.model.state_dict().items():
        assert torch.equal(model.transformer.state_dict()[key], weight)
    model.save_pretrained(tmp_path / "b")
    assert {name.partition(".")[0] for name in load_file(tmp_path / "b" / "model.safetensors")} == {
        *("transformer", "qa_outputs")
    }
    again = named(NAMES, "llama", architectures=["LlamaForQuestionAnswering"])
    back: Any = loading.load_pretrained(tmp_path / "b", again, HEAD, attention="eager")
    for key, weight in theirs.model.state_dict().items():
        assert torch.equal(back.model.state_dict()[key], weight)


def test_a_model_without_a_table_of_tokens_sets_no_limit(tmp_path: Path) -> None:
    """CANINE reads characters, and hashes their numbers."""
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 32, "max_position_embeddings": 64, "num_hash_buckets": 64, "num_labels": 3}
    config = CanineConfig(**sizes)
    CanineModel(config).save_pretrained(tmp_path)
    found = loading.examine(tmp_path, config, HEAD, "the model")
    assert (found.vocabulary, found.head) == (sys.maxsize, "absent")
    model: Any = loading.load_pretrained(tmp_path, config, HEAD, attention="eager")
    with pytest.raises(MethodError, match="CanineModel has no table of token embeddings"):
        find("method", "prompt")(name="prompt").apply(model, "SEQ_CLS")


def test_one_lost_weight_is_named_and_many_are_refused(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    lost = "encoder.layer.1.output.dense.bias"
    change(folder, lambda weights: {name: weight for name, weight in weights.items() if name != lost})
    assert examine(folder).notes == (f"initialised at random, as they are missing in the checkpoint: bert.{lost}",)
    change(folder, lambda weights: {name: weight for name, weight in weights.items() if "layer.1.output" not in name})
    assert "only 33 of the backbone's 37 weights are in the checkpoint" in refusal(SourceError, examine, folder)


def test_a_lost_pooler_may_be_new(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    change(folder, lambda weights: {name: weight for name, weight in weights.items() if "pooler" not in name})
    assert examine(folder).notes == ()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (
            "vocab_size",
            70,
            "word_embeddings.weight is 64 x 16 in the checkpoint, and 70 x 16 by config",
        ),
        ("hidden_size", 10**9, "in the checkpoint, and"),
        ("num_hidden_layers", 10**9, "config.json says 1000000000 layers, and there are 39 weights in all"),
        ("num_hidden_layers", 3, "the backbone's 53 weights are in the checkpoint; it lacks bert.encoder.layer.2"),
        ("num_attention_heads", 0, "cannot be loaded"),
        ("num_attention_heads", 3, "cannot be loaded"),
        ("hidden_act", "none_such", "cannot be loaded"),
    ],
)
def test_a_config_of_other_sizes_is_refused(tmp_path: Path, field: str, value: Any, said: str) -> None:
    folder = bert(tmp_path)
    fields = json.loads((folder / "config.json").read_text()) | {field: value}
    (folder / "config.json").write_text(json.dumps(fields))
    config = from_pretrained.config(folder, "the model")
    message = refusal(SourceError, loading.examine, folder, config, HEAD, "the model")
    assert said in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Error while deserializing header"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "it is a Git LFS pointer, not the file itself"),
    ],
)
def test_damaged_weights_name_the_file(tmp_path: Path, content: bytes, said: str) -> None:
    folder = bert(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    message = refusal(SourceError, examine, folder)
    assert message.startswith(f"the model: model.safetensors cannot be loaded: {said}")


def test_a_head_of_the_same_labels_is_kept_in_our_order(tmp_path: Path) -> None:
    folder = bert(tmp_path, ["good", "bad", "fair"])
    found = examine(folder)
    assert (found.head, found.label_order) == ("kept", (1, 2, 0))
    assert found.notes == ()
    assert said(found) == ["the checkpoint's own head is trained further: its type and labels match"]
    theirs = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    assert torch.equal(logits(load(folder, NAMES)), logits(theirs)[:, [1, 2, 0]])
    assert torch.equal(logits(load(folder, ["good", "bad", "fair"])), logits(theirs))


@pytest.mark.parametrize("labels", [["yes", "no", "maybe"], ["yes", "no"], ["LABEL_0", "LABEL_1", "LABEL_2"]])
def test_a_head_of_other_labels_is_drawn_anew(tmp_path: Path, labels: list[str]) -> None:
    folder = bert(tmp_path, labels)
    found = examine(folder)
    assert found.head == "fresh"
    assert found.notes == ()
    [warning] = said(found)
    their = ", ".join(labels)
    assert warning == f"the checkpoint's own head is not used: its labels are {their}; a new one is trained"
    assert isinstance(warning, Odd)
    one, same, other = load(folder, NAMES, 0), load(folder, NAMES, 0), load(folder, NAMES, 1)
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert not one.classifier.bias.any()
    assert torch.equal(one.bert.pooler.dense.weight, other.bert.pooler.dense.weight)
    if len(labels) == len(NAMES):
        theirs = load_file(folder / "model.safetensors")["classifier.weight"]
        assert not torch.equal(one.classifier.weight, theirs)


def test_a_head_of_another_kind_is_drawn_anew(tmp_path: Path) -> None:
    BertForTokenClassification(cast("Any", named(NAMES))).save_pretrained(tmp_path)
    found = examine(tmp_path)
    assert found.head == "fresh"
    [warning] = said(found)
    assert "it is of another class (BertForTokenClassification)" in warning
    assert isinstance(warning, Odd)


def test_what_pretraining_left_of_a_head_is_kept(tmp_path: Path) -> None:
    """ModernBERT's transform before the outputs of masked tokens is the one before those of a classifier."""
    torch.manual_seed(0)
    pretrained: Any = AutoModelForMaskedLM.from_config(tiny.config("modernbert"))
    pretrained.save_pretrained(tmp_path)
    found = examine(tmp_path, architecture="modernbert")
    assert (found.head, found.notes, said(found)) == ("absent", (), [])
    config = named(NAMES, "modernbert")
    torch.manual_seed(1)
    model: Any = loading.load_pretrained(tmp_path, config, HEAD, attention="eager")
    assert torch.equal(model.head.dense.weight, pretrained.head.dense.weight)
    assert model.classifier.weight.shape == (len(NAMES), tiny.HIDDEN)


def tokenizer(longest: int = 10**30) -> PreTrainedTokenizerFast:
    return cast("PreTrainedTokenizerFast", SimpleNamespace(model_max_length=longest))


def test_the_positions_that_padding_takes_are_not_the_text_s(tmp_path: Path) -> None:
    config = tiny.config("roberta", pad_token_id=1, max_position_embeddings=130)
    RobertaModel(cast("RobertaConfig", config)).save_pretrained(tmp_path)
    found = loading.examine(tmp_path, config, HEAD, "the model")
    assert (found.positions, found.padding_positions) == (128, 2)
    loading.check_positions(found, tokenizer(), "the model", 128, 0)
    with pytest.raises(RecipeError, match=r"^train.max_length: 129 do not fit the 128 positions \(130 less the 2 that"):
        loading.check_positions(found, tokenizer(), "the model", 129, 0)
    with pytest.raises(RecipeError, match=r"^train.max_length: 120 and 9 virtual tokens do not fit .* at most 119$"):
        loading.check_positions(found, tokenizer(), "the model", 120, 9)
    with pytest.raises(RecipeError, match=r"^train.max_length: 101 do not fit the 100 positions of the model"):
        loading.check_positions(found, tokenizer(100), "the model", 101, 0)
    # the model itself agrees
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    model(input_ids=torch.full((1, 128), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.full((1, 129), 5))


def test_relative_positions_set_no_limit(tmp_path: Path) -> None:
    xlnet = XLNetConfig(d_model=16, n_layer=1, n_head=2, d_inner=32, vocab_size=tiny.VOCABULARY)
    XLNetModel(xlnet).save_pretrained(tmp_path / "xlnet")
    T5EncoderModel(cast("Any", tiny.config("t5"))).save_pretrained(tmp_path / "t5")
    for name, config in (("xlnet", xlnet), ("t5", tiny.config("t5"))):
        head = HEAD if name == "xlnet" else SimpleNamespace(auto_class="AutoModelForTokenClassification")
        found = loading.examine(tmp_path / name, config, cast("Any", head), "the model")
        assert found.positions is None
        loading.check_positions(found, tokenizer(512), "the model", 5000, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_a_checkpoint_is_its_numbers_in_fp32(tmp_path: Path, dtype: torch.dtype) -> None:
    whole = load(bert(tmp_path / "whole", NAMES), NAMES)
    rounded = whole.to(dtype)
    rounded.save_pretrained(tmp_path / "half")
    half = load(tmp_path / "half", NAMES)
    assert {weight.dtype for weight in half.parameters()} == {torch.float32}
    assert torch.equal(logits(half), logits(rounded.float()))


def test_a_sharded_checkpoint_is_read_whole(tmp_path: Path) -> None:
    whole = load(bert(tmp_path / "whole", NAMES), NAMES)
    whole.save_pretrained(tmp_path / "shards", max_shard_size="6KB")
    assert len([*(tmp_path / "shards").glob("*.safetensors")]) > 2
    assert torch.equal(logits(load(tmp_path / "shards", NAMES)), logits(whole))
    before = fingerprint.of_weights(tmp_path / "shards")
    assert loading.read_weights(tmp_path / "shards") is None
    last = max((tmp_path / "shards").glob("*.safetensors"))
    save_file({key: weight + 1 for key, weight in load_file(last).items()}, last, metadata={"format": "pt"})
    assert fingerprint.of_weights(tmp_path / "shards") != before
    last.unlink()
    assert last.name in refusal(SourceError, examine, tmp_path / "shards")


@pytest.mark.parametrize("architecture", ["gpt2", "gemma", "bloom", "opt", "t5"])
def test_tied_embeddings_are_one_and_not_missed(tmp_path: Path, architecture: str) -> None:
    model: Any = tiny.model(architecture, tie_word_embeddings=True)
    model.save_pretrained(tmp_path)
    kind = "AutoModelForSeq2SeqLM" if architecture == "t5" else "AutoModelForCausalLM"
    head = cast("HeadSpec", SimpleNamespace(auto_class=kind))
    found = loading.examine(tmp_path, tiny.config(architecture, tie_word_embeddings=True), head, "the model")
    assert found.notes == ()
    config = tiny.config(architecture, tie_word_embeddings=True)
    loaded: Any = loading.load_pretrained(tmp_path, config, head, attention="eager")
    assert loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
    assert loading.count(loaded) == loading.count(model)


def test_layers_that_share_their_weights_are_adapted_once() -> None:
    """ALBERT: both layers are one; what adapts it is there once, and works in each."""
    from pefbench.methods.lora import Lora

    model: Any = tiny.token_classifier("albert")
    wrapped = Lora(name="lora").apply(model, "TOKEN_CLS")
    assert sum(".lora_A." in name for name, _ in wrapped.named_parameters()) == 6
