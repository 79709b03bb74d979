"""Prompt tuning and p-tuning: options, initialisation, and trained weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import (
    AutoTokenizer,
    FunnelConfig,
    FunnelForSequenceClassification,
    ProphetNetConfig,
    ProphetNetForConditionalGeneration,
)

from pefbench.errors import MethodError
from pefbench.heads import Encoded
from pefbench.methods._prompt_learning import common_tokens
from pefbench.methods.mam import Mam
from pefbench.methods.p_tuning import PTuning
from pefbench.methods.prefix import Prefix
from pefbench.methods.prompt import Prompt
from tests import tiny

if TYPE_CHECKING:
    from tests.worlds import World


@pytest.fixture(scope="module")
def tokenizer(world: World) -> Any:
    return AutoTokenizer.from_pretrained(world.model)


@pytest.fixture
def encoded(tokenizer: Any) -> Encoded:
    rows = [np.asarray(ids) for ids in tokenizer(["Anna saw the river", "Boris slept in the town"])["input_ids"]]
    return Encoded(features={"input_ids": rows}, targets=np.ones(2), decoding=[None, None])


def started(architecture: str, tokenizer: Any, encoded: Encoded, **options: Any) -> Any:
    torch.manual_seed(0)
    chosen = Prompt(name="prompt", **options)
    task_type = "SEQ_2_SEQ_LM" if architecture in tiny.ENCODER_DECODERS else "TOKEN_CLS"
    wrapped: Any = chosen.apply(tiny.model(architecture), task_type)
    chosen.on_train_begin(wrapped, tokenizer, encoded, 10)
    return wrapped


def words(wrapped: Any, size: int) -> torch.Tensor:
    """Return the embeddings that a model has words for, from its weights."""
    base = wrapped.get_base_model()
    tables = [module.weight for module in base.modules() if isinstance(module, nn.Embedding)]
    found: torch.Tensor = next(table for table in tables if table.shape == (tiny.VOCABULARY, size)).detach()
    return found


@pytest.mark.parametrize("architecture", ["bert", "electra", "t5", "marian", "bart"])
def test_a_prompt_from_the_vocabulary_is_pieces_of_the_training_texts(
    architecture: str, tokenizer: Any, encoded: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    # BART's embedding multiplies by the root of its size, Marian multiplies what the embedding returns.
    monkeypatch.setitem(tiny._CONFIGS["bart"][1], "scale_embedding", True)
    wrapped = started(architecture, tokenizer, encoded, num_virtual_tokens=5)
    weight = wrapped.virtual_tokens.weight.detach()
    table = words(wrapped, weight.shape[1]) * (4 if architecture == "bart" else 1)
    near = (weight[:, None] - table).abs().amax(2)
    assert near.min(dim=1).values.max() < 1e-6
    seen = set(np.concatenate(encoded.features["input_ids"]).tolist()) - set(tokenizer.all_special_ids)
    chosen = near.argmin(dim=1).tolist()
    assert set(chosen) <= seen
    assert len(set(chosen)) == 5


def test_common_tokens_are_the_most_common_and_come_again_when_they_run_out(
    tokenizer: Any, encoded: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pefbench.methods._prompt_learning.COMMON", 1)
    assert common_tokens(tokenizer, encoded, 3).tolist() == [tokenizer.convert_tokens_to_ids("the")] * 3


def test_a_prompt_from_text_is_its_words(tokenizer: Any, encoded: Encoded) -> None:
    wrapped = started("bert", tokenizer, encoded, init="text", init_text="the river", num_virtual_tokens=3)
    ids = tokenizer.convert_tokens_to_ids(["the", "river", "the"])
    assert torch.equal(wrapped.virtual_tokens.weight, words(wrapped, tiny.HIDDEN)[ids])


def test_a_random_prompt_is_spread_as_the_words_are(tokenizer: Any, encoded: Encoded) -> None:
    wrapped = started("bert", tokenizer, encoded, init="random", num_virtual_tokens=200)
    weight, table = wrapped.virtual_tokens.weight.detach(), words(wrapped, tiny.HIDDEN)
    assert 0.7 < float(weight.std() / table.std()) < 1.4
    assert abs(float(weight.mean() - table.mean())) < float(table.std()) / 3


MLP = [f"mlp_head.{number}.{part}" for number in (0, 2, 4) for part in ("weight", "bias")]


@pytest.mark.parametrize(
    ("method", "trained"),
    [
        (Prompt(name="prompt"), {"embedding.weight"}),
        (PTuning(name="p_tuning"), {"embedding.weight", *MLP}),
    ],
)
@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_beside_the_head_just_the_prompt_s_network_is_trained(
    architecture: str, method: Prompt | PTuning, trained: set[str]
) -> None:
    wrapped = method.apply(tiny.model(architecture), "TOKEN_CLS")
    names = [name for name, weight in wrapped.named_parameters() if weight.requires_grad]
    matching = {name for name in names if re.search(method.trainable_pattern, name)}
    assert matching == {f"prompt_encoder.default.{name}" for name in trained}
    assert all(".modules_to_save." in name for name in set(names) - matching)
    assert len(names) > len(matching)


def test_the_lstm_has_the_size_that_is_asked_for() -> None:
    method = PTuning(name="p_tuning", encoder="lstm", encoder_size=6, encoder_layers=3, encoder_dropout=0.5)
    wrapped: Any = method.apply(tiny.model("bert"), "TOKEN_CLS")
    lstm = wrapped.prompt_encoder["default"].lstm_head
    assert (lstm.hidden_size, lstm.num_layers, lstm.dropout, lstm.bidirectional) == (6, 3, 0.5, True)


def test_options_without_effect_are_refused() -> None:
    with pytest.raises(MethodError, match=r"method.encoder_layers: applies to encoder lstm only"):
        PTuning(name="p_tuning", encoder_layers=3)
    with pytest.raises(
        MethodError,
        match=r"method.encoder_dropout: applies between layers of the lstm, and there "
        r"are none",
    ):
        PTuning(name="p_tuning", encoder_dropout=0.1)
    with pytest.raises(MethodError, match=r"method.encoder_dropout"):
        PTuning(name="p_tuning", encoder="lstm", encoder_layers=1, encoder_dropout=0.1)


def test_they_take_as_many_positions_as_they_have_tokens() -> None:
    assert Prompt(name="prompt", num_virtual_tokens=7).virtual_tokens() == 7
    assert PTuning(name="p_tuning").virtual_tokens() == 20


def test_texts_that_are_pooled_have_no_place_for_virtual_tokens() -> None:
    """Funnel's classifier reads fewer positions than the text has tokens; it reads no text of two tokens."""
    sizes: dict[str, Any] = {"vocab_size": 64, "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 40}
    sizes |= {"block_sizes": [1, 1], "num_decoder_layers": 1, "num_labels": 2}
    config = FunnelConfig(**sizes)
    with pytest.raises(MethodError, match=r"^FunnelForSequenceClassification: it pools texts to fewer positions"):
        Prompt(name="prompt").apply(FunnelForSequenceClassification(config), "SEQ_CLS")
    with pytest.raises(MethodError, match=r"^FunnelForSequenceClassification: its attentions cannot take a prefix"):
        Prefix(name="prefix").apply(FunnelForSequenceClassification(config), "SEQ_CLS")


@pytest.mark.parametrize("method", [Prefix(name="prefix"), Mam(name="mam")])
def test_a_decoder_that_takes_no_text_behind_a_prefix_is_refused(method: Prefix | Mam) -> None:
    sizes: dict[str, Any] = {"vocab_size": 64, "hidden_size": 16, "max_position_embeddings": 64}
    for half in ("encoder", "decoder"):
        sizes |= {f"{half}_ffn_dim": 40, f"num_{half}_layers": 1, f"num_{half}_attention_heads": 2}
    model = ProphetNetForConditionalGeneration(ProphetNetConfig(**sizes))
    with pytest.raises(
        MethodError, match=r"^method \w+ does not work on ProphetNetForConditionalGeneration: .*length 1"
    ):
        method.apply(model, "SEQ_2_SEQ_LM")
