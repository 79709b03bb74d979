"""Prefix tuning: its options, its initialisation, and its requirements on the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Lfm2Config, Lfm2ForCausalLM

from pefbench.errors import MethodError
from pefbench.heads import Encoded
from pefbench.methods.prefix import Prefix
from pefbench.methods.tuners.prefix_tokens import PrefixTokens
from tests import tiny

if TYPE_CHECKING:
    from torch import Tensor

    from tests.worlds import World

TEXT = "the river near a house"


def prefix(**options: Any) -> Prefix:
    return Prefix(name="prefix", **({"num_virtual_tokens": 3} | options))


@pytest.fixture(scope="module")
def tokenizer(world: World) -> Any:
    return AutoTokenizer.from_pretrained(world.model)


@pytest.fixture
def encoded(tokenizer: Any) -> Encoded:
    rows = [np.asarray(ids) for ids in tokenizer(["Anna saw the river", "Boris slept in Rome ."])["input_ids"]]
    return Encoded(features={"input_ids": rows}, targets=np.ones(2), decoding=[None, None])


def started(architecture: str, tokenizer: Any, encoded: Encoded, **options: Any) -> Any:
    torch.manual_seed(0)
    chosen = prefix(**options)
    model = tiny.model(architecture)
    task_type = {"llama": "CAUSAL_LM", "t5": "SEQ_2_SEQ_LM", "bart": "SEQ_2_SEQ_LM"}.get(architecture, "TOKEN_CLS")
    wrapped: Any = chosen.apply(model, task_type).eval()
    chosen.on_train_begin(wrapped, tokenizer, encoded, 10)
    chosen.on_model_ready(wrapped)
    return wrapped


def first_keys(architecture: str, ids: Tensor) -> Tensor:
    """Return the keys that the first layer of a frozen encoder has for a text, shape (length, heads * size)."""
    model: Any = tiny.model(architecture)
    with torch.no_grad():
        if architecture == "bert":
            found: Tensor = model.bert.encoder.layer[0].attention.self.key(model.bert.embeddings(ids[None]))[0]
        elif architecture == "distilbert":
            found = model.distilbert.transformer.layer[0].attention.k_lin(model.distilbert.embeddings(ids[None]))[0]
        else:
            mask = torch.ones(1, len(ids))
            states = model.deberta.embeddings(ids[None], mask=mask)
            found = model.deberta.encoder.layer[0].attention.self.key_proj(states)[0]
    return found


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "deberta-v2"])
def test_a_text_s_own_keys_are_what_the_first_layer_attends_to(
    architecture: str, tokenizer: Any, encoded: Encoded
) -> None:
    wrapped = started(architecture, tokenizer, encoded, init="text", init_text=TEXT, num_virtual_tokens=4)
    ids = tokenizer(TEXT, add_special_tokens=False, return_tensors="pt")["input_ids"][0, :4]
    [(keys, _), *_] = PrefixTokens.attach(wrapped).key_values()
    assert torch.allclose(keys[0].transpose(0, 1).flatten(1), first_keys(architecture, ids), atol=1e-6)


def test_a_short_text_is_repeated(tokenizer: Any, encoded: Encoded) -> None:
    wrapped = started("llama", tokenizer, encoded, init="text", init_text="the river", num_virtual_tokens=5)
    whole = started("llama", tokenizer, encoded, init="text", init_text="the river the river the", num_virtual_tokens=5)
    assert torch.equal(wrapped.virtual_tokens.weight, whole.virtual_tokens.weight)


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "deberta-v2", "llama", "t5", "bart"])
def test_activations_are_those_of_pieces_in_training_texts(architecture: str, tokenizer: Any, encoded: Encoded) -> None:
    wrapped = started(architecture, tokenizer, encoded, init="activations", num_virtual_tokens=6)
    tokens = PrefixTokens.attach(wrapped)
    rows = [tokens.shape.joined(tokens.of_text(torch.from_numpy(row))) for row in encoded.features["input_ids"]]
    real = torch.cat([row[1:-1] for row in rows])  # without [CLS] and [SEP]
    near = (tokens.weight.detach()[:, None] - real).abs().amax(2)
    assert near.min(dim=1).values.max() < 1e-5
    assert len(set(near.argmin(dim=1).tolist())) > 2
    again = started(architecture, tokenizer, encoded, init="activations", num_virtual_tokens=6)
    assert torch.equal(tokens.weight, again.virtual_tokens.weight)


@pytest.mark.parametrize("projection", [False, True])
def test_a_prefix_may_start_at_zero(tokenizer: Any, encoded: Encoded, projection: bool) -> None:
    wrapped = started("bert", tokenizer, encoded, init="zero", projection=projection)
    assert all(not part.any() for pair in wrapped.virtual_tokens.key_values() for part in pair)


def test_random_is_peft_s_own(tokenizer: Any, encoded: Encoded) -> None:
    wrapped = started("bert", tokenizer, encoded, num_virtual_tokens=40)
    weight = wrapped.virtual_tokens.weight
    assert weight.shape == (40, 2 * tiny.LAYERS * tiny.HIDDEN)
    assert abs(float(weight.detach().std()) - 1) < 0.1


def test_it_takes_as_many_positions_as_it_has_tokens() -> None:
    assert prefix(num_virtual_tokens=7).virtual_tokens() == 7


def test_grouped_queries_and_wide_heads_have_prefixes_of_their_keys_shape() -> None:
    llama: Any = prefix().apply(tiny.causal_lm("llama"), "CAUSAL_LM")
    assert (llama.active_peft_config.num_attention_heads, llama.active_peft_config.token_dim) == (1, 8)
    t5: Any = prefix().apply(tiny.seq2seq_lm("t5"), "SEQ_2_SEQ_LM")
    assert (t5.active_peft_config.num_attention_heads, t5.active_peft_config.token_dim) == (2, 32)


def test_an_unequal_pair_has_as_many_prefixes_as_decoder_layers() -> None:
    wrapped: Any = prefix().apply(tiny.seq2seq_lm("bart", decoder_layers=3), "SEQ_2_SEQ_LM")
    assert wrapped.active_peft_config.num_layers == 3
    assert len(wrapped.virtual_tokens.key_values()) == 3


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(MethodError, match=r"method.init: text sets the prefix, but with projection an MLP computes it"):
        prefix(init="text", projection=True)
    with pytest.raises(MethodError, match=r"method.projection_size: applies to projection only, which is off"):
        prefix(projection_size=8)


def test_a_text_without_pieces_is_refused(tokenizer: Any, encoded: Encoded) -> None:
    with pytest.raises(MethodError, match=r"method.init_text: ' ' has no tokens in this vocabulary"):
        started("bert", tokenizer, encoded, init="text", init_text=" ")


def test_a_model_whose_layers_keep_states_is_refused() -> None:
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    }
    kinds = ["conv", "full_attention"]
    model = Lfm2ForCausalLM(Lfm2Config(**sizes, num_hidden_layers=2, layer_types=kinds, vocab_size=16))
    with pytest.raises(MethodError, match="Lfm2Model: some of its layers keep a state instead of keys and values"):
        prefix().apply(model, "CAUSAL_LM")
