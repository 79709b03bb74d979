"""Virtual tokens: what a model computes with them, for every architecture, head and way of insertion."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional

from pefbench.errors import MethodError
from pefbench.methods.tuners import prefix_attention, prefix_tokens, prompt_by_card
from pefbench.methods.tuners.placed import BY_CARD, TASK_TYPE, PlacedModel
from pefbench.methods.tuners.prefix_attention import AttentionPrefix
from pefbench.methods.tuners.prefix_tokens import PrefixTokens, Shape
from pefbench.methods.tuners.prompt_tokens import PromptTokens
from pefbench.models import architecture as structure
from pefbench.models import from_pretrained, frozen
from pefbench.models.frozen import Frozen
from pefbench.registry import find
from tests import tiny

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.methods import Method
    from tests.forked import Interpreter

LENGTH = 3
WORDS = torch.tensor([7, 30, 11])
TASKS = {"sequence": "SEQ_CLS", "token": "TOKEN_CLS", "span": "QUESTION_ANS"}
AUTO = {
    "sequence": transformers.AutoModelForSequenceClassification,
    "token": transformers.AutoModelForTokenClassification,
    "span": transformers.AutoModelForQuestionAnswering,
}
SPAN = {"num_labels": 2}


def method(name: str, **options: Any) -> Method:
    made: Method = find("method", name)(name=name, **({"num_virtual_tokens": LENGTH} | options))
    return made


def task(architecture: str) -> str:
    if architecture in tiny.ENCODERS:
        return "TOKEN_CLS"
    return "CAUSAL_LM" if architecture in tiny.DECODERS else "SEQ_2_SEQ_LM"


def headed(architecture: str, head: str, attention: str = "eager") -> Any:
    torch.manual_seed(0)
    config = tiny.config(architecture, **(SPAN if head == "span" else {}))
    return AUTO[head].from_config(config, attn_implementation=attention).eval()


def inputs(architecture: str, *, ends: bool = False) -> dict[str, Tensor]:
    """Return a batch with a padded row; `ends`: each row's last piece is the end token, as T5's heads need it."""
    batch = {name: tensor for name, tensor in tiny.batch(architecture).items() if name != "labels"}
    if ends:
        last = batch["attention_mask"].sum(1) - 1
        batch["input_ids"][torch.arange(len(last)), last] = tiny.END
    return batch


def after_words(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the batch with the words before every row."""
    rows = len(batch["input_ids"])
    return {
        "input_ids": torch.cat([WORDS.expand(rows, -1), batch["input_ids"]], dim=1),
        "attention_mask": functional.pad(batch["attention_mask"], (LENGTH, 0), value=1),
    }


def prompted(model: Any, task_type: str) -> Any:
    """Return the model under a prompt that is the embeddings of the words."""
    wrapped = method("prompt").apply(model, task_type).eval()
    tokens = PromptTokens.attach(wrapped)
    tokens.weight.data.copy_(tokens.embedded(WORDS))
    return wrapped


def prefixed(model: Any, task_type: str, **options: Any) -> Any:
    """Return the model under a random prefix, its values as large as those of real tokens."""
    torch.manual_seed(1)
    return method("prefix", **options).apply(model, task_type).eval()


def close(ours: Tensor, reference: Tensor) -> bool:
    return torch.allclose(ours, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", tiny.EVERY)
def test_a_prompt_of_words_is_those_words(architecture: str) -> None:
    model, batch = tiny.model(architecture), inputs(architecture)
    decoder = {"decoder_input_ids": batch["input_ids"][:, :5]} if architecture in tiny.ENCODER_DECODERS else {}
    with torch.no_grad():
        expected = model(**after_words(batch), **decoder).logits
        found = prompted(model, task(architecture))(**batch, **decoder).logits
    if not decoder:
        expected = expected[:, LENGTH:]
    assert found.shape[:2] == (batch["input_ids"] if not decoder else decoder["decoder_input_ids"]).shape
    assert close(found, expected)


@pytest.mark.parametrize("head", ["sequence", "span"])
@pytest.mark.parametrize("architecture", tiny.ENCODERS)
def test_heads_under_a_prompt_see_the_text_from_its_first_piece_on(architecture: str, head: str) -> None:
    model, batch = headed(architecture, head), inputs(architecture)
    backbone: Any = structure.backbone(model)
    with torch.no_grad():
        states = backbone(**after_words(batch))
        states.last_hidden_state = states.last_hidden_state[:, LENGTH:]
        if "pooler_output" in states:
            states.pooler_output = backbone.pooler(states.last_hidden_state)
        hook = backbone.register_forward_hook(lambda *_: states)
        expected = model(**batch)
        hook.remove()
        found = prompted(model, TASKS[head])(**batch)
    for name in ("logits",) if head == "sequence" else ("start_logits", "end_logits"):
        assert close(found[name], expected[name])


@pytest.mark.parametrize("head", ["sequence", "token", "span"])
@pytest.mark.parametrize("architecture", tiny.DECODERS)
def test_a_decoder_under_a_prompt_answers_at_the_last_piece_of_each_text(architecture: str, head: str) -> None:
    model, batch = headed(architecture, head), inputs(architecture)
    with torch.no_grad():
        expected = model(**after_words(batch))
        found = prompted(model, TASKS[head])(**batch)
    for name, logits in expected.items():
        if "logits" in name:
            assert close(found[name], logits if head == "sequence" else logits[:, LENGTH:])


@pytest.mark.parametrize("name", ["prompt", "prefix"])
@pytest.mark.parametrize(("architecture", "head"), [("t5", "sequence"), ("t5", "span"), ("bart", "sequence")])
def test_pairs_with_heads_find_their_end_tokens(architecture: str, head: str, name: str) -> None:
    model, batch = headed(architecture, head), inputs(architecture, ends=True)
    with torch.no_grad():
        shifted = torch.roll(batch["input_ids"], 1, 1)
        if name == "prompt":
            states = structure.backbone(model).get_encoder()(**after_words(batch))  # type: ignore[operator]
            expected = model(**batch, decoder_input_ids=shifted)
            found = prompted(model, TASKS[head])(**batch, decoder_input_ids=shifted)
            encoded = structure.backbone(model).get_encoder()(**batch)  # type: ignore[operator]
            assert close(encoded.last_hidden_state, states.last_hidden_state)
        else:
            expected = model(**batch, decoder_input_ids=shifted)
            found = prefixed(model, TASKS[head])(**batch, decoder_input_ids=shifted)
    first = "logits" if head == "sequence" else "start_logits"
    assert found[first].shape == expected[first].shape
    assert not close(found[first], expected[first])


def filled(wrapped: Any) -> PrefixTokens:
    """Return a model's prefix, holding what the frozen model computes for the words."""
    tokens = PrefixTokens.attach(wrapped)
    tokens.weight.data.copy_(tokens.shape.joined(tokens.of_text(WORDS)))
    return tokens


@pytest.mark.parametrize("architecture", tiny.DECODERS)
def test_a_prefix_of_a_text_s_keys_and_values_is_that_text_to_a_decoder(architecture: str) -> None:
    model, batch = tiny.model(architecture), inputs(architecture)
    with torch.no_grad():
        expected = model(**after_words(batch)).logits[:, LENGTH:]
        wrapped = prefixed(model, "CAUSAL_LM")
        assert not close(wrapped(**batch).logits, expected)
        filled(wrapped)
        assert close(wrapped(**batch).logits, expected)
        with wrapped.disable_adapter():
            assert close(wrapped(**batch).logits, model(**batch).logits)
            assert not close(wrapped(**batch).logits, expected)
        assert close(wrapped(**batch).logits, expected)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("architecture", ["bert", "electra"])
def test_both_ways_into_an_encoder_compute_the_same(architecture: str, attention: str) -> None:
    model, batch = headed(architecture, "token", attention), inputs(architecture)
    moved = {"position_ids": LENGTH + torch.arange(8).expand(4, -1)}
    cached = prefixed(copy.deepcopy(model), "TOKEN_CLS")
    tokens = PrefixTokens.attach(cached)
    backbone = structure.backbone(model)
    route = AttentionPrefix.into(backbone, crosses=False)
    assert route is not None
    with torch.no_grad():
        plain = model(**batch, **moved).logits
        assert len(route.record(lambda: model(**batch))) == tiny.LAYERS
        route.add({}, tokens.key_values)
        through_attention = model(**batch, **moved).logits
        assert close(through_attention, cached(**batch).logits)
        route.done()
        assert torch.equal(model(**batch, **moved).logits, plain)
        route.leave()
        assert torch.equal(model(**batch, **moved).logits, plain)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_attention_over_prefix_and_text(implementation: str, masked: bool, biased: bool) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 5, 4) for _ in range(3))
    pair = torch.randn(1, 3, 2, 4), torch.randn(1, 3, 2, 4)
    bias = torch.randn(1, 3, 5, 5) if biased else None
    seen = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()[:, None, None].expand(2, 1, 5, 5)
    scores = torch.cat([query @ pair[0].mT, query @ key.mT + (0 if bias is None else bias)], dim=3)
    if masked:
        scores = scores.masked_fill(~functional.pad(seen, (2, 0), value=True), float("-inf"))
    expected = (scores.softmax(3) @ torch.cat([pair[1].expand(2, -1, -1, -1), value], dim=2)).transpose(1, 2)

    from transformers.models.t5.modeling_t5 import T5Attention

    module = object.__new__(T5Attention)
    nn.Module.__init__(module)
    module.is_causal = False
    config = SimpleNamespace(_attn_implementation=implementation)
    setattr(module, prefix_attention.NAME, prefix_attention.Place(config, pair))
    mask: Tensor | None = None
    if masked:
        mask = seen if implementation == "sdpa" else torch.where(seen, 0.0, torch.finfo(torch.float32).min)
    found, _ = prefix_attention.attend(module, query, key, value, mask, scaling=1.0, position_bias=bias)
    assert close(found, expected)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("relative", [False, True])
def test_disentangled_attention_over_prefix_and_text(relative: bool, shared: bool) -> None:
    model: Any = tiny.model("deberta-v2", relative_attention=relative, share_att_key=shared, num_hidden_layers=1)
    batch = inputs("deberta-v2")
    attention = model.deberta.encoder.layer[0].attention.self
    seen: dict[str, Tensor] = {}
    for name in ("query_proj", "key_proj"):
        note = lambda _m, _i, output, name=name: seen.setdefault(name, output) is None or None  # noqa: E731
        getattr(attention, name).register_forward_hook(note)
    with torch.no_grad():
        plain = model(**batch, output_attentions=True).attentions[0]
        query, key = seen.pop("query_proj"), seen.pop("key_proj")
        wrapped = prefixed(model, "TOKEN_CLS")
        found = wrapped(**batch, output_attentions=True).attentions[0]
        [(keys, _)] = PrefixTokens.attach(wrapped).key_values()
    heads = (query.unflatten(2, (2, 8)).transpose(1, 2), key.unflatten(2, (2, 8)).transpose(1, 2))
    to_prefix = heads[0] @ keys.mT / 24**0.5
    rows = batch["attention_mask"].bool()[:, None, :, None]
    # Within the prefix, and within the text, attention is shared out as each of the two alone would.
    within_prefix = found[..., :LENGTH] / found[..., :LENGTH].sum(3, keepdim=True)
    assert close(within_prefix.where(rows, 0), to_prefix.softmax(3).where(rows, 0))
    within_text = found[..., LENGTH:] / found[..., LENGTH:].sum(3, keepdim=True)
    assert close(within_text.where(rows, 0), plain.where(rows, 0))
    if not relative:
        to_text = (heads[0] @ heads[1].mT / 24**0.5).masked_fill(~rows.mT, float("-inf"))
        assert close(found.where(rows, 0), torch.cat([to_prefix, to_text], dim=3).softmax(3).where(rows, 0))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    ("architecture", "head"), [(name, "token") for name in (*tiny.ENCODERS, "t5")] + [("modernbert", "sequence")]
)
def test_a_prefix_reaches_every_layer_and_no_padding_changes_it(architecture: str, head: str, attention: str) -> None:
    attention = "eager" if architecture == "deberta-v2" else attention
    model, batch = headed(architecture, head, attention), inputs(architecture)
    plain = model(**batch).logits
    wrapped = prefixed(model, TASKS[head])
    logits = wrapped(**batch).logits
    assert not close(logits, plain)
    logits[:2].square().sum().backward()
    tokens = PrefixTokens.attach(wrapped)
    for keys, values in tokens.shape.split(tokens.weight.grad):  # type: ignore[arg-type]
        assert keys.abs().sum() > 0
        assert values.abs().sum() > 0
    padded = {name: functional.pad(tensor, (0, 4)) for name, tensor in batch.items()}
    rows = batch["attention_mask"].bool()
    longer = wrapped(**padded).logits
    assert close(longer if head == "sequence" else longer[:, :8][rows], logits if head == "sequence" else logits[rows])
    with tokens.aside():
        assert close(wrapped(**batch).logits, plain)
    full = {"input_ids": batch["input_ids"][:2]}
    with torch.no_grad():
        assert close(wrapped(**full).logits, wrapped(**full, attention_mask=torch.ones(2, 8).long()).logits)


LEFT = {
    "input_ids": torch.tensor([[5, 6, 7, 8], [0, 0, 20, 21]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]]),
}
GREEDY: dict[str, Any] = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}


@pytest.mark.parametrize("beams", [1, 2])
@pytest.mark.parametrize("name", ["prompt", "prefix"])
@pytest.mark.parametrize("architecture", tiny.DECODERS)
def test_generation_goes_on_from_words_and_left_padded_text(architecture: str, name: str, beams: int) -> None:
    model: Any = tiny.causal_lm(architecture, initializer_range=0.3)
    # A prompt stands before the padding; for the model without one the same is words behind the padding.
    hidden = LEFT["attention_mask"] == 0
    behind = torch.stack(
        [torch.cat([row[pad], WORDS, row[~pad]]) for row, pad in zip(LEFT["input_ids"], hidden, strict=True)]
    )
    mask = torch.stack([torch.cat([~pad[pad], torch.ones(LENGTH).bool(), ~pad[~pad]]) for pad in hidden]).long()
    with torch.no_grad():
        expected = model.generate(input_ids=behind, attention_mask=mask, num_beams=beams, **GREEDY)
        if name == "prompt":
            wrapped = prompted(model, "CAUSAL_LM")
        else:
            wrapped = prefixed(model, "CAUSAL_LM")
            filled(wrapped)
        found = wrapped.generate(**LEFT, num_beams=beams, **GREEDY)
        slow = wrapped.generate(**LEFT, num_beams=beams, use_cache=False, **GREEDY)
    assert torch.equal(found[:, 4:], expected[:, 7:])
    assert torch.equal(slow, found)


@pytest.mark.parametrize("name", ["prompt", "p_tuning", "prefix", "mam"])
@pytest.mark.parametrize("architecture", ["t5", "bart", "marian"])
def test_pairs_generate_what_their_forward_pass_ranks_first(architecture: str, name: str) -> None:
    torch.manual_seed(1)
    wrapped: Any = method(name).apply(tiny.seq2seq_lm(architecture), "SEQ_2_SEQ_LM").eval()
    batch = inputs(architecture)
    with torch.no_grad():
        found = wrapped.generate(**batch, max_new_tokens=5, min_new_tokens=5, do_sample=False)
        logits = wrapped(**batch, decoder_input_ids=found[:, :-1], use_cache=False).logits
    logits[..., tiny.END] = float("-inf")
    assert torch.equal(logits.argmax(2), found[:, 1:])


AGREES = [
    ("gpt2", "prefix"),
    ("llama", "prefix"),
    ("bert", "prefix"),
    ("gpt2", "prompt"),
    ("qwen2", "p_tuning"),
    ("t5", "prompt"),
    ("bart", "prompt"),
]


DIFFERS = [("bert", "prompt"), ("bert", "p_tuning"), ("gpt2", "prompt"), ("distilbert", "prefix"), ("t5", "prefix")]
"""By PEFT alone a head reads a virtual token, or there is no way in, or the encoder's states have a prefix as well."""

BY_CARD_S_CODE = {("bert", "prompt"), ("bert", "p_tuning"), ("gpt2", "prompt")}

REFUSED = """
from peft import PeftConfig
for folder in {folders!r}:
    try:
        PeftConfig.from_pretrained(folder)
    except ValueError as error:
        print(error)
"""


def test_where_peft_alone_would_differ_it_refuses(below_peft: Interpreter, tmp_path: Path) -> None:
    folders = [tmp_path / f"{architecture}_{name}" for architecture, name in DIFFERS]
    for folder, (architecture, name) in zip(folders, DIFFERS, strict=True):
        language = architecture == "t5"
        base = tiny.model(architecture) if language else headed(architecture, "sequence")
        wrapped: Any = method(name).apply(base, "SEQ_2_SEQ_LM" if language else "SEQ_CLS")
        wrapped.save_pretrained(folder)
    lines = below_peft.run(REFUSED.format(folders=[*map(str, folders)])).splitlines()
    assert len(lines) == len(DIFFERS)
    expected = [BY_CARD if (architecture, name) in BY_CARD_S_CODE else TASK_TYPE for architecture, name in DIFFERS]
    assert [line.partition(".")[0] for line in lines] == [f"Invalid task type: '{each}'" for each in expected]


@pytest.mark.parametrize("head", ["sequence", "token", "span"])
@pytest.mark.parametrize("architecture", [*tiny.ENCODERS, *tiny.DECODERS])
def test_by_the_card_s_code_peft_alone_computes_the_same(architecture: str, head: str, tmp_path: Path) -> None:
    ours, batch = prompted(headed(architecture, head), TASKS[head]), inputs(architecture)
    if architecture == "bert":
        batch["token_type_ids"] = torch.ones_like(batch["input_ids"])
    ours.save_pretrained(tmp_path)
    assert from_pretrained.read_json(tmp_path / "adapter_config.json")["task_type"] == BY_CARD
    task_type = prompt_by_card.TASK_TYPES[TASKS[head]]
    theirs = from_pretrained.plain_adapter(headed(architecture, head), tmp_path, task_type=task_type)
    assert not isinstance(theirs, PlacedModel)
    with torch.no_grad():
        expected, without = ours(**batch), theirs(**batch)
        prompt_by_card.read_text_only(theirs)
        found = theirs(**batch)
    seen = slice(None) if head == "sequence" else batch["attention_mask"].bool()  # padding has other positions
    for name in ("start_logits", "end_logits") if head == "span" else ("logits",):
        assert close(found[name][seen], expected[name][seen])
        assert without[name].shape != expected[name].shape or not close(without[name], expected[name])


@pytest.mark.parametrize(("architecture", "head"), [("t5", "sequence"), ("bart", "sequence"), ("mpnet", "token")])
def test_where_the_card_s_code_would_not_compute_the_same_pefbench_is_needed(architecture: str, head: str) -> None:
    """MPNet counts positions of ids and of embeddings differently if its config names another padding than its own."""
    wrapped: Any = method("prompt").apply(headed(architecture, head), TASKS[head])
    assert wrapped.active_peft_config.task_type == TASK_TYPE
    assert wrapped.training
    assert not wrapped.get_base_model().training  # as it was


def test_the_card_s_code_is_tried_with_a_base_in_half_precision_too() -> None:
    model = headed("bert", "token")
    model.bert.to(torch.bfloat16)
    wrapped: Any = method("prompt").apply(model, "TOKEN_CLS")
    assert wrapped.active_peft_config.task_type == BY_CARD


@pytest.mark.parametrize(("architecture", "name"), AGREES)
def test_where_peft_s_own_forward_pass_works_it_computes_the_same(architecture: str, name: str) -> None:
    torch.manual_seed(1)
    wrapped: Any = method(name).apply(tiny.model(architecture), task(architecture)).eval()
    batch = inputs(architecture)
    if architecture in tiny.ENCODER_DECODERS:
        batch["decoder_input_ids"] = batch["input_ids"][:, :5]
    with torch.no_grad():
        ours = wrapped(**batch).logits
        with wrapped.virtual_tokens.aside():
            theirs = type(wrapped).forward(wrapped, **batch).logits
    assert close(ours, theirs[:, -ours.shape[1] :])
    assert wrapped.active_peft_config.task_type == task(architecture)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("prefix", {}),
        ("prefix", {"projection": True, "projection_size": 6}),
        ("prompt", {}),
        ("p_tuning", {}),
        ("p_tuning", {"encoder": "lstm", "encoder_size": 6}),
    ],
)
@pytest.mark.parametrize("architecture", ["bert", "modernbert", "distilbert", "deberta-v2", "llama"])
def test_what_is_loaded_is_what_was_saved_to_the_last_bit(
    architecture: str, name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    chosen = method(name, **options)
    wrapped: Any = chosen.apply(headed(architecture, "sequence"), "SEQ_CLS").eval()
    heads = structure.head_modules(wrapped.get_base_model())
    for weight in wrapped.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight)
    wrapped.save_pretrained(tmp_path)
    other = headed(architecture, "sequence")
    for head in heads:
        for weight in other.get_submodule(head).parameters():
            torch.nn.init.zeros_(weight)
    loaded = PeftModel.from_pretrained(other, tmp_path)  # by PEFT alone, once `import pefbench` has registered ours
    batch = inputs(architecture)
    with torch.no_grad():
        if isinstance(loaded, PlacedModel):  # else it has no virtual tokens of ours, and PEFT computes with its own
            assert torch.equal(loaded.virtual_tokens.values(), wrapped.virtual_tokens.values())
        assert close(loaded(**batch).logits, wrapped(**batch).logits)
    trained = {key: weight for key, weight in wrapped.named_parameters() if ".modules_to_save." in key}
    assert {key.split(".")[1] for key in trained} == set(heads)
    found = dict(loaded.named_parameters())
    assert all(torch.equal(found[key], weight) for key, weight in trained.items())


@pytest.mark.parametrize("name", ["prefix", "prompt"])
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "deberta-v2", "gpt2", "t5"])
def test_frozen_weights_in_bf16(architecture: str, name: str, tmp_path: Path) -> None:
    chosen, batch = method(name), inputs(architecture)
    batch |= {"decoder_input_ids": batch["input_ids"]} if architecture == "t5" else {}
    wrapped: Any = chosen.apply(tiny.model(architecture), task(architecture)).eval()
    wrapped.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny.model(architecture), tmp_path)
    found = []
    for model in (wrapped, loaded):
        chosen.on_model_ready(model)
        frozen.cast(model, Frozen("bf16", chosen.trainable_pattern))
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            found.append(model(**batch).logits)
    assert torch.allclose(found[0].float(), found[1].float(), atol=1e-2)


@pytest.mark.parametrize(("name", "architecture"), [("prompt", "bert"), ("prefix", "bert"), ("prefix", "distilbert")])
def test_a_copy_has_virtual_tokens_of_its_own(name: str, architecture: str) -> None:
    wrapped: Any = method(name).apply(tiny.model(architecture), "TOKEN_CLS").eval()
    batch = inputs(architecture)
    with torch.no_grad():
        before = wrapped(**batch).logits
        twin = copy.deepcopy(wrapped)
        assert torch.equal(twin(**batch).logits, before)
        twin.virtual_tokens.weight.data.mul_(-2)
        assert not close(twin(**batch).logits, before)
        assert torch.equal(wrapped(**batch).logits, before)


def test_segments_are_lengthened_too() -> None:
    model, batch = headed("bert", "span"), inputs("bert")
    segments = (torch.arange(8) > 3).long().expand(4, -1)
    with torch.no_grad():
        expected = model(**after_words(batch), token_type_ids=functional.pad(segments, (LENGTH, 0))).start_logits
        found = prompted(model, "QUESTION_ANS")(**batch, token_type_ids=segments).start_logits
    assert close(found, expected[:, LENGTH:])


def test_a_pooler_that_is_given_one_position_is_refused() -> None:
    config = transformers.AlbertConfig(
        vocab_size=64, embedding_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    with pytest.raises(MethodError, match=r"AlbertForSequenceClassification: its pooler .* use prefix"):
        method("prompt").apply(transformers.AlbertForSequenceClassification(config), "SEQ_CLS")
    batch, model = inputs("bert"), transformers.AlbertForSequenceClassification(config).eval()
    plain = model(**batch).logits
    assert not close(method("prefix").apply(model, "SEQ_CLS").eval()(**batch).logits, plain)


def test_a_prefix_without_a_way_in_is_refused() -> None:
    config = transformers.DebertaConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    with pytest.raises(MethodError, match="DebertaForTokenClassification: its attentions cannot take a prefix"):
        method("prefix").apply(transformers.DebertaForTokenClassification(config), "TOKEN_CLS")


def test_keys_of_several_shapes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(torch.zeros(1, 2, 2, size), torch.zeros(1, 2, 2, size)) for size in (4, 8)]
    monkeypatch.setattr("pefbench.methods.tuners.prefix_cache.CachedPrefix.record", lambda *_: pairs)
    with pytest.raises(MethodError, match="BertForTokenClassification: its layers have keys and values of several"):
        prefix_tokens.shape(tiny.model("bert"))


def test_embeddings_that_are_not_called_are_noticed() -> None:
    model: Any = tiny.model("bert")
    wrapped = prompted(model, "TOKEN_CLS")
    model.bert.embeddings.word_embeddings = nn.Embedding(64, 16)
    with pytest.raises(RuntimeError, match="BertModel ran without calling its input embeddings"):
        wrapped(**inputs("bert"))


def test_the_numbers_of_a_prefix_split_and_join() -> None:
    shape = Shape(layers=3, heads=2, size=4)
    flat = torch.randn(5, shape.numbers)
    pairs = shape.split(flat)
    assert [part.shape for part in pairs[0]] == [(1, 2, 5, 4)] * 2
    assert torch.equal(shape.joined(pairs), flat)
    assert torch.equal(pairs[1][1][0, 1, 3], flat[3, 28:32])  # layer 1, values, head 1, token 3
