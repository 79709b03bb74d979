"""Encoder-decoders from two copies of an encoder: deterministic weights; each method works or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from pefbench import sources
from pefbench.errors import SourceError
from pefbench.heads.examples import GenerationExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.search import Search
from pefbench.models import folders, loading
from pefbench.recipe import resolve
from pefbench.registry import find
from pefbench.trial import artifacts
from pefbench.trial.batching import collate
from tests import tiny, worlds
from tests.sources.refusals import refusal
from tests.tokenizers import words

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.methods import Method

SOME = [GenerationExample("Anna saw Paris", "Rome"), GenerationExample("the house", "Boris slept in a town .")]


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    worlds.write_model(tmp_path / "encoder")
    return tmp_path / "encoder"


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def test_both_stacks_begin_as_the_encoder_and_the_rest_is_drawn_once(encoder: Path) -> None:
    state = torch.get_rng_state()
    where = folders.locate(f"warm-started:file:{encoder}")
    assert torch.equal(torch.get_rng_state(), state)
    sources.check_weights(where)
    assert folders.locate(f"warm-started:file:{encoder}") == where
    head = GenerationDataset({}).head(tiny_config(where))
    model = loading.load_pretrained(where, tiny_config(where), head, attention="eager")
    found = weights(model)
    for name, weight in weights(AutoModel.from_pretrained(encoder)).items():
        if not name.startswith("pooler"):
            assert torch.equal(found[f"encoder.{name}"], weight), name
            assert torch.equal(found[f"decoder.bert.{name}"], weight), name
    drawn = [name for name in found if "crossattention.self" in name]
    assert len(drawn) == 12
    again = weights(loading.load_pretrained(where, tiny_config(where), head, attention="eager"))
    assert all(torch.equal(again[name], weight) for name, weight in found.items())
    tokenizer = AutoTokenizer.from_pretrained(where)
    assert head.start == tokenizer.cls_token_id  # type: ignore[attr-defined]  # an encoder-decoder's


def tiny_config(where: Path) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(where)


@pytest.mark.parametrize("name", ["full", "lora", "bottleneck", "prefix", "bitfit", "ia3"])
def test_a_method_learns_and_is_the_same_after_loading(encoder: Path, tmp_path: Path, name: str) -> None:
    where = folders.locate(f"warm-started:file:{encoder}")
    config, tokenizer = tiny_config(where), cast("Any", AutoTokenizer.from_pretrained(where))
    head = GenerationDataset({}, search=Search(8), likelihood=True).head(config)
    encoded = head.encode(tokenizer, SOME, 24)
    batch = collate(encoded, range(len(SOME)))
    method: Method = find("method", name)(name=name)
    model: Any = method.apply(loading.load_pretrained(where, config, head, attention="eager"), head.task_type)
    method.on_train_begin(model, tokenizer, encoded, 8)
    method.on_model_ready(model)
    before = weights(model)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.01)
    losses = []
    model.eval()
    for _ in range(8):
        loss = head.loss_sum(model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items() if name in frozen)
    with torch.inference_mode():
        answers = head.predict(model, batch, encoded.decoding)
        alone = [head.predict(model, collate(encoded, [i]), [encoded.decoding[i]])[0] for i in range(len(SOME))]
    assert all(map(head.answers.same, answers, alone))
    artifacts.save(model, tmp_path / "saved", method)
    again = artifacts.load_saved(tmp_path / "saved", where, config, head, attention="eager").eval()
    method.on_model_ready(again)
    with torch.inference_mode():
        assert head.predict(again, batch, encoded.decoding) == answers


def test_the_dropout_of_a_recipe_is_that_of_both_stacks(encoder: Path) -> None:
    where = folders.locate(f"warm-started:file:{encoder}")
    raw = {
        "task": "summarization",
        "model": {"name": f"warm-started:file:{encoder}", "dropout": 0.25},
        "data": {"source": "file:x"},
        "method": {"name": "full"},
        "train": {"max_length": 32},
    }
    head = GenerationDataset({}).head(tiny_config(where))
    tokenizer = cast("Any", AutoTokenizer.from_pretrained(where))
    config = loading.fit_config(where, resolve(raw, name="r").model, head, tokenizer)
    for part in (config.encoder, config.decoder):
        assert part.hidden_dropout_prob == part.attention_probs_dropout_prob == 0.25


def test_what_is_no_encoder_is_refused(encoder: Path, tmp_path: Path) -> None:
    del encoder  # the cache folder is set
    tiny.causal_lm("gpt2").save_pretrained(tmp_path / "decoder")
    words("bert").save_pretrained(tmp_path / "decoder")
    source = f"warm-started:file:{tmp_path / 'decoder'}"
    said = "not an encoder that can be turned into a decoder"
    assert refusal(SourceError, folders.locate, source).endswith(said)
    tiny.token_classifier("distilbert").save_pretrained(tmp_path / "distilled")
    words("bert").save_pretrained(tmp_path / "distilled")
    source = f"warm-started:file:{tmp_path / 'distilled'}"
    assert "cannot be turned into a decoder" in refusal(SourceError, folders.locate, source)
    assert "no 'nowhere' in" in refusal(SourceError, folders.locate, f"warm-started:file:{tmp_path / 'nowhere'}")
