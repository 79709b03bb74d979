"""The model of a trial whose checkpoint lacks embeddings of its tokenizer's tokens, or the pooler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from pefbench.errors import DataError, MethodError
from pefbench.recipe import load_recipe
from pefbench.results.store import read_result
from pefbench.trial import build, preflight, run
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from tests.sources.refusals import refusal
from tests.trials import labelled
from tests.worlds import World

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.trial.prepare import Prepared

ADDED = ["Emil", "Farah", "never"]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose tokenizer was given words, two of them in the data, and whose model was not resized."""
    world = World(tmp_path_factory.mktemp("grown"))
    tokenizer = AutoTokenizer.from_pretrained(world.model)
    assert tokenizer.add_tokens(ADDED) == len(ADDED)
    tokenizer.save_pretrained(world.model)
    return world


def rows(folder: Path) -> int:
    return int(json.loads((folder / "config.json").read_text())["vocab_size"])


def prepared(world: World, method: str, seed: int = 0) -> Prepared:
    recipe = world.recipe(method, method={"name": method}, train__seed=seed)
    return prepare(load_recipe(recipe), Phases())


def test_full_adds_embeddings_says_so_and_is_the_same_when_loaded(grown: World) -> None:
    recipe = grown.recipe("full", method={"name": "full"}, train__epochs=0.3)
    result = run.run(load_recipe(recipe), grown.folder / "results")
    found, before = read_result(result), rows(grown.model)
    assert found["round_trip"]
    assert found["round_trip"]["reproduced"]
    said = f"3 embeddings added to the model's {before}: its tokenizer has {before + 3} tokens; they are initialised "
    assert [warning for warning in found["notes"] if warning.startswith(said)]
    saved = result.with_suffix("") / "model"
    assert rows(saved) == before + 3
    table = load_file(saved / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    assert len(table) == before + 3


def test_a_trial_goes_on_from_a_model_that_was_given_embeddings(grown: World) -> None:
    recipe = grown.recipe("again", method={"name": "full"}, train__epochs=0.1)
    first = run.run(load_recipe(recipe), grown.folder / "results").with_suffix("")
    after = prepare(load_recipe(grown.recipe("lora", model={"name": f"file:{first}"})), Phases())
    assert after.checkpoint.vocabulary == rows(grown.model) + 3
    assert preflight.remarks(after).notes


def test_the_seed_draws_the_new_embeddings_and_the_others_stay(grown: World) -> None:
    def table(seed: int) -> torch.Tensor:
        model: Any = build.pretrained(prepared(grown, "full", seed))
        weight: torch.Tensor = model.get_input_embeddings().weight
        return weight.detach()

    first, again, other = table(0), table(0), table(1)
    assert torch.equal(first, again)
    old = rows(grown.model)
    assert torch.equal(first[:old], load_file(grown.model / "model.safetensors")["embeddings.word_embeddings.weight"])
    assert torch.equal(first[:old], other[:old])
    assert not torch.equal(first[old:], other[old:])


@pytest.mark.parametrize("method", ["lora", "head_only"])
def test_methods_that_do_not_train_them_refuse_such_data(grown: World, method: str) -> None:
    said = refusal(DataError, preflight.remarks, prepared(grown, method))
    before = rows(grown.model)
    assert f"but the model has {before} embeddings for the {before + 3} tokens of its tokenizer" in said
    assert "method full adds and trains embeddings" in said


@pytest.fixture(scope="module")
def without_pooler(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose model was saved without its pooler, as after pretraining on masked tokens, in half precision."""
    world = World(tmp_path_factory.mktemp("without_pooler"))
    file = world.model / "model.safetensors"
    weights = {name: weight.bfloat16() for name, weight in load_file(file).items() if "pooler" not in name}
    save_file(weights, file, metadata={"format": "pt"})
    lines = ["text,label", *(f"{text},{label}" for text, label in labelled(60, seed=1))]
    (world.folder / "labelled.csv").write_text("\n".join(lines) + "\n", encoding="utf8")
    return world


def made(world: World, method: str, precision: str = "fp32", **changes: Any) -> Any:
    """The model of a trial on labelled texts with the method on it."""
    data = {"source": f"file:{world.folder / 'labelled.csv'}"}
    chosen: dict[str, Any] = {"task": "sentiment", "data": data} | changes
    recipe = world.recipe("lacking", method={"name": method}, train__precision=precision, **chosen)
    found = prepare(load_recipe(recipe), Phases())
    return build.with_method(found, build.pretrained(found))


@pytest.mark.parametrize(
    ("method", "precision"), [("lora", "fp32"), ("lora", "bf16"), ("head_only", "fp32"), ("prefix", "fp32")]
)
def test_a_pooler_of_noise_is_not_left_frozen(without_pooler: World, method: str, precision: str) -> None:
    assert refusal(MethodError, made, without_pooler, method, precision) == (
        f"method {method}: the checkpoint lacks bert.pooler.dense.weight, and the method would leave it randomly "
        "initialised; set model.pooling to mean, or use method full"
    )


def test_a_pooler_of_noise_is_trained_or_not_read(without_pooler: World) -> None:
    assert made(without_pooler, "full").bert.pooler.dense.weight.requires_grad
    name = f"file:{without_pooler.model}"
    for changes in (
        {"model": {"name": name, "pooling": "mean"}},
        {"task": "ner", "data": {"source": f"file:{without_pooler.folder / 'corpus.conll'}"}},
    ):
        assert not hasattr(made(without_pooler, "lora", **changes).get_base_model().bert.pooler, "dense")
