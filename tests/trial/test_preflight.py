"""What is refused, or warned of, before training."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pefbench import hardware
from pefbench.errors import MethodError, RecipeError
from pefbench.methods import Method, _trained
from pefbench.metrics import make, meteor
from pefbench.recipe import load_recipe
from pefbench.registry import find, names
from pefbench.trial import preflight
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from tests.metrics.synonyms import Few
from tests.tiny import config, model

if TYPE_CHECKING:
    from pydantic import JsonValue
    from torch import nn

    from tests.worlds import World


NEEDED: dict[str, dict[str, JsonValue]] = {"f1": {"average": "macro"}}
"""Options of metrics that need some."""


class Some(Method):
    """Trains the weights that `chosen` names."""

    learning_rate: ClassVar[float] = 1e-3
    trainable_pattern: ClassVar[str] = "query"
    chosen: str

    def apply(self, model: nn.Module, task_type: str) -> nn.Module:  # noqa: ARG002
        for name, weight in model.named_parameters():
            weight.requires_grad_(any(part in name for part in self.chosen.split()))
        return model


@pytest.mark.parametrize(
    ("chosen", "mistake"),
    [
        ("nothing-at-all", r"method some on BertForTokenClassification: nothing would be trained"),
        ("query", r"0 of the 51 weights of its head 'classifier' would be trained"),
        ("query classifier.bias", r"3 of the 51 weights of its head 'classifier' would be trained"),
        ("classifier", r"it changes no module of the model"),
        ("query classifier", None),
    ],
)
def test_what_is_trained_is_checked(chosen: str, mistake: str | None) -> None:
    base = model("bert")
    heads = _trained.head_sizes(base)
    method = Some(name="some", chosen=chosen)
    adapted = method.apply(base, "TOKEN_CLS")
    if mistake is None:
        _trained.check_trained(adapted, method, heads)
        return
    with pytest.raises(MethodError, match=mistake):
        _trained.check_trained(adapted, method, heads)


@pytest.mark.parametrize("name", ["lora", "bottleneck", "prefix", "full", "head_only", "bitfit"])
def test_the_wrapped_head_counts_as_trained(name: str) -> None:
    base = model("distilbert")
    heads = _trained.head_sizes(base)
    method: Method = find("method", name)(name=name)
    if name == "prefix":
        base = model("bert")
    _trained.check_trained(method.apply(base, "TOKEN_CLS"), method, heads)


def doubts(world: World, **changes: Any) -> list[str]:
    """What a recipe is told, warnings first."""
    notes, warnings = preflight.remarks(prepare(load_recipe(world.recipe("doubtful", **changes)), Phases()))
    return [*warnings, *notes]


def test_a_sound_recipe_has_no_doubts(world: World) -> None:
    assert doubts(world) == []


def test_a_rate_far_from_the_methods_own_is_doubted(world: World) -> None:
    assert doubts(world, train__learning_rate=0.1) == ["train.learning_rate: 0.1 is far from lora's default, 0.001"]


def test_a_rate_that_nothing_has_is_told_of(world: World) -> None:
    changes = {"method": {"name": "head_only"}, "train__learning_rate": 0.0001}
    [unused] = doubts(world, **changes, train__head_learning_rate=0.01)
    assert unused == (
        "train.learning_rate: 0.0001 is not used: head_only trains only the head, which has train.head_learning_rate: "
        "0.01"
    )
    assert "is far from head_only's default" in doubts(world, **changes)[0]
    assert doubts(world, train__head_learning_rate=0.01) == doubts(world)


def test_rows_that_are_nearly_training_ones_are_doubtful(world: World) -> None:
    prepared = prepare(load_recipe(world.recipe("doubtful")), Phases())
    for near, rows in (
        ({"validation": 0, "test": 2}, "2 of 200 test"),
        ({"validation": 3, "test": 2}, "3 of 300 validation and 2 of 200 test"),
        ({"validation": 3, "test": 1}, "3 of 300 validation"),
    ):
        of = {"train": 1000, "validation": 300, "test": 200}  # however many of them are scored
        several = replace(prepared, corpus=replace(prepared.corpus, near_duplicates=near, rows=of))
        left_out = "data.near_duplicates=drop leaves those out of training"
        assert preflight.remarks(several) == ([], [f"{rows} rows are near-duplicates of a training row; {left_out}"])


def test_cut_texts_are_counted(world: World) -> None:
    [cut, *_] = doubts(world, train__max_length=8)
    assert "train examples are truncated to 8 tokens" in cut


@pytest.mark.parametrize(
    ("method", "architecture", "layers"),
    [
        ("prefix", "mistral", "2 of 2"),
        ("prompt", "gemma2", "1 of 2"),
        ("mam", "gemma3", "2 of 2"),
        ("prompt", "modernbert", "1 of 2"),
        ("prefix", "modernbert", ""),  # its prefix is in every window
        ("lora", "mistral", ""),
        ("prefix", "llama", ""),
    ],
)
def test_texts_whose_ends_no_longer_attend_to_virtual_tokens_are_told(
    world: World, method: str, architecture: str, layers: str
) -> None:
    """A window of 14 tokens holds 4 virtual tokens and a text of 10."""
    prepared = prepare(load_recipe(world.recipe("windows")), Phases())
    settings = {} if method == "lora" else {"num_virtual_tokens": 4}
    chosen = find("method", method)(name=method, **settings)
    recipe = prepared.recipe.model_copy(update={"method": chosen})
    window = {"local_attention": 26} if architecture == "modernbert" else {"sliding_window": 14}
    made = replace(prepared, recipe=recipe, config=config(architecture, **({} if architecture == "llama" else window)))
    told = [text for text in preflight.remarks(made).warnings if text.startswith(f"{method}: ")]
    if not layers:
        assert told == []
        return
    longer = {split: sum(length > 10 for length in each.lengths) for split, each in made.encoded.items()}
    assert all(0 < longer[split] < len(each) for split, each in made.encoded.items())
    texts = ", ".join(f"{longer[split]} of {len(each)} {split}" for split, each in made.encoded.items())
    where = f"{method}: in {layers} layers a token attends only to the last 14 tokens"
    hidden = f"in {texts} examples, which exceed 10 tokens, the last ones do not attend to all 4 virtual tokens there"
    assert told == [f"{where}: {hidden}"]
    longest = int(max(max(each.lengths) for each in made.encoded.values()))
    wide = {"local_attention": 2 * (longest + 3)} if architecture == "modernbert" else {"sliding_window": longest + 4}
    assert not any(
        text.startswith(f"{method}: ")
        for text in preflight.remarks(replace(made, config=config(architecture, **wide))).warnings
    )


@pytest.mark.parametrize(
    ("name", "scored"), [("accuracy", "texts"), ("pearson", "numbers"), ("ranking", "whole numbers")]
)
def test_a_metric_of_other_answers_is_refused_before_training(world: World, name: str, scored: str) -> None:
    prepared = prepare(load_recipe(world.recipe(evaluate={"metrics": [name]})), Phases())
    told = f"evaluate.metrics: {name} cannot score the validation split: it scores {scored}, "
    with pytest.raises(RecipeError, match=f"^{told}and the task's answers are lists of texts$"):
        preflight.remarks(prepared)


SCORED = {
    "accuracy": ["texts"],
    "entity_f1": ["lists of texts"],
    "ranking": ["whole numbers"],
    "pearson": ["whole numbers", "numbers"],
    "bleu": ["generated"],
    "multi_label_f1": ["sets of labels"],
}
"""What a metric of each kind scores."""


@pytest.mark.parametrize("name", names("metric"))
def test_every_metric_scores_one_kind_of_answers(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(meteor, "synonyms", Few)  # without nltk's data it would refuse everything
    generated = {"texts": ["#### 1"], "attribute": "good", "label": "good", "test": "", "prompt": ""}
    answers = {"texts": "a", "lists of texts": ["a"], "whole numbers": 3, "numbers": 1.5, "generated": generated}
    answers["sets of labels"] = {"labels": ["a"]}
    metric = make({"name": name, **NEEDED.get(name, {})})
    scored = [kind for kind, answer in answers.items() if metric.refusal([answer]) is None]
    assert scored in SCORED.values()
    assert scored == SCORED.get(name, scored)


def test_kappa_refuses_what_is_not_whole() -> None:
    kappa = find("metric", "quadratic_kappa")()
    assert kappa.refusal([1, 2.0, 3]) is None
    assert kappa.refusal([1.0, 2.5]) == "it needs whole-number scores, and one is 2.5"


def test_a_default_maximum_length_gives_way_to_the_model_s_positions(world: World) -> None:
    train: JsonValue = {"epochs": 1, "learning_rate": 0.01, "precision": "fp32", "threads": 1}
    prepared = prepare(load_recipe(world.recipe("long", train=train)), Phases())
    assert prepared.recipe.train.max_length == 64
    note = f"train.max_length is 64, not the default 128: file:{world.model} has 64 positions"
    assert note in preflight.remarks(prepared).notes
    named = prepare(load_recipe(world.recipe("long"), ["train.max_length=64"]), Phases())
    assert not any("max_length" in told for told in chain(*preflight.remarks(named)))
    prefix = ["method.name=prefix", "method.num_virtual_tokens=40"]
    assert prepare(load_recipe(world.recipe("long", train=train), prefix), Phases()).recipe.train.max_length == 24
    with pytest.raises(RecipeError, match=r"train.max_length: 128 do not fit the 64 positions of .*; at most 64"):
        prepare(load_recipe(world.recipe("long", train=train), ["train.max_length=128"]), Phases())
    too_many = ["method.name=prefix", "method.num_virtual_tokens=60"]
    with pytest.raises(RecipeError, match=r"128 and 60 virtual tokens do not fit the 64 positions"):
        prepare(load_recipe(world.recipe("long", train=train), too_many), Phases())


def test_what_the_recipe_says_itself_changes_neither_equality_nor_id(world: World) -> None:
    train: JsonValue = {"learning_rate": 0.01, "precision": "fp32"}
    implied = load_recipe(world.recipe("same", train=train))
    named = load_recipe(world.recipe("same", train=train), ["train.max_length=128", "train.epochs=4"])
    assert implied == named
    assert implied.resolved() == named.resolved()
    assert implied.train.model_fields_set == {"learning_rate", "precision"}


@pytest.mark.parametrize(
    ("precision", "emulated", "said"), [("bf16", True, True), ("bf16", False, False), ("fp32", True, False)]
)
def test_a_precision_that_the_hardware_emulates_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, precision: str, *, emulated: bool, said: bool
) -> None:
    monkeypatch.setattr(hardware, "emulates_bf16", lambda: emulated)
    found = doubts(world, train__precision=precision)
    assert (
        any(warning.startswith("train.precision: this machine has no bf16 instructions") for warning in found) is said
    )


@pytest.mark.parametrize(("interval", "said"), [(25, False), (26, True), (1000, True), ("epoch", False)])
def test_an_interval_beyond_the_run_is_told(world: World, interval: object, *, said: bool) -> None:
    prepared = prepare(load_recipe(world.recipe("seldom", train__evaluate=interval)), Phases())
    told = "train.evaluate: the run has 26 steps, so validation is scored only at the end"
    assert (told in preflight.remarks(prepared).warnings) is said
