"""Recipe files: names, `extends`, entries of methods, overrides in any order, and what is kept of old recipes."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import RecipeError
from pefbench.paths import PROJECT
from pefbench.recipe import load_recipe
from pefbench.recipe_file import locate, methods_of
from pefbench.results import store
from pefbench.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECIPES = PROJECT / "recipes"
OLD: Mapping[str, str] = json.loads((PROJECT / "tests" / "resolved_recipes.json").read_text(encoding="utf8"))
"""Path of a file that each method once had, or would have had, without its suffix -> hash of what it resolves to, but
for the name."""
BASELINE = store.load_results(PROJECT / "results" / "baseline").results

MANY = """
task: ner
data: {source: 'hf:a/b', revision: main, train: train, test: test}
method: {name: lora, rank: 4}
train: {learning_rate: 1.0e-9, epochs: 3}
methods:
  lora: {}
  full: {train: {learning_rate: 1.0e-5}}
  prefix: {method: {num_virtual_tokens: 7}, train: {epochs: 9}}
"""


def write(folder: Path, text: str, name: str = "many") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf8")
    return file


def hashed(resolved: dict[str, Any]) -> str:
    """The hash of a resolved recipe, but for its name and for the seed that draws its examples, which came later."""
    content = {key: value for key, value in resolved.items() if key != "name"}
    content["data"] = {key: value for key, value in content["data"].items() if key != "seed"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("old", OLD)
def test_what_was_a_file_for_each_method_resolves_as_before(old: str) -> None:
    folder, _, name = old.rpartition("/")
    recipe = load_recipe(RECIPES / f"{old}.yaml")
    assert (recipe.name, hashed(recipe.resolved())) == (name, OLD[old])
    data = name.removeprefix(f"{recipe.method.name}_")
    assert load_recipe(RECIPES / folder / f"{data}.yaml", method=recipe.method.name) == recipe


def test_the_entries_are_what_were_files() -> None:
    files = [file for file in RECIPES.rglob("*.yaml") if file.parent.name not in {"compare", "accelerate"}]
    of_each = [
        {f"{file.parent.relative_to(RECIPES) / f'{method}_{file.stem}'}" for method in methods_of(file)}
        for file in files
    ]
    entries = [entry for of_one in of_each if of_one & OLD.keys() for entry in of_one]  # later recipes had no files
    assert sorted(entries) == sorted(OLD)


@pytest.mark.parametrize("stored", BASELINE, ids=lambda stored: stored.result["recipe"]["name"])
def test_a_committed_result_is_that_of_todays_recipe(stored: store.Stored) -> None:
    recorded, today = stored.result["recipe"], load_recipe(PROJECT / "recipes" / f"{stored.path.parent.name}.yaml")
    content = today.resolved()
    content["train"]["precision"] = recorded["train"]["precision"]  # auto comes to another on another machine
    content["train"]["seed"] = recorded["train"]["seed"]
    # Fields that came after the result was recorded have the value that then went without saying.
    early = {key: content[key] if key in recorded else None for key in content}
    early["data"] = {key: value for key, value in content["data"].items() if key in recorded["data"]}
    assert {key: value for key, value in early.items() if key in recorded} == recorded
    assert stored.path.stem in ids(recorded, stored)
    if early == content:
        assert stored.path.stem in ids(content, stored)


def ids(recipe: dict[str, Any], stored: store.Stored) -> set[str]:
    """The ids of a trial of the recipe, of the days before dropout was drawn by example, and of now."""
    now = {**recipe, "dropout": "by example and step"}
    return {store.trial_id(content, stored.result["data"]["fingerprint"]) for content in (recipe, now)}


def test_an_entry_says_what_a_method_needs_otherwise(tmp_path: Path) -> None:
    file = write(tmp_path, MANY)
    lora, full, prefix, boft = (load_recipe(file, method=name) for name in ("lora", "full", "prefix", "boft"))
    assert (lora.train.learning_rate, lora.train.epochs, lora.method.model_dump()["rank"]) == (1e-9, 3, 4)
    assert (full.train.learning_rate, full.train.epochs) == (1e-5, 3)
    assert (prefix.train.learning_rate, prefix.train.epochs) == (prefix.method.learning_rate, 9)
    assert prefix.method.virtual_tokens() == 7
    assert (boft.train.learning_rate, boft.train.epochs) == (boft.method.learning_rate, 3)
    assert [each.name for each in (lora, full, prefix, boft)] == ["lora_many", "full_many", "prefix_many", "boft_many"]
    assert load_recipe(file) == lora
    assert load_recipe(file, ["method.name=prefix"]) == prefix


def test_an_override_is_stronger_than_an_entry(tmp_path: Path) -> None:
    file = write(tmp_path, MANY)
    recipe = load_recipe(file, ["train.epochs=1", "method.num_virtual_tokens=2"], "prefix")
    assert (recipe.train.epochs, recipe.method.virtual_tokens()) == (1, 2)
    whole = load_recipe(file, ["method={name: prefix}"])
    assert (whole.name, whole.train.epochs, whole.method.virtual_tokens()) == ("prefix_many", 9, 16)


def test_a_recipe_for_one_method_keeps_its_name(tmp_path: Path) -> None:
    file = write(tmp_path, "task: ner\nmethod: {name: lora, rank: 4}\n", "lora_mine")
    assert load_recipe(file).name == "lora_mine"
    assert load_recipe(file, ["method.name=full"]).name == "lora_mine"
    assert load_recipe(file, method="full").name == "full_mine"


@pytest.mark.parametrize(
    "overrides",
    [
        ["train.learning_rate=7e-3", "method.name=full", "train.epochs=1"],
        ["method.name=prefix", "method.num_virtual_tokens=5", "train.epochs=2"],
        ["data.source=file:x", "data.train=a", "data.test=b", "data.columns.tags=3"],
        ["data={source: 'file:x'}", "data.train=a", "data.test=b", "data.columns={tokens: w}", "data.columns.tags=t"],
        ["method={name: prefix}", "method.num_virtual_tokens=5", "model.name=file:y", "model.revision=z"],
        ["method.name=full", "method.rank=4"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_overrides_mean_the_same_in_every_order(tmp_path: Path, overrides: list[str]) -> None:
    file = write(tmp_path, MANY)
    found = set()
    for order in itertools.permutations(overrides):
        try:
            found.add(json.dumps(load_recipe(file, order).resolved(), sort_keys=True))
        except RecipeError as error:
            found.add(str(error))
    assert len(found) == 1


def test_a_rate_that_was_given_is_kept_when_the_method_changes(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MANY), ["train.learning_rate=0.007", "method.name=full"])
    assert recipe.train.learning_rate == 0.007


def test_a_file_extends_another(tmp_path: Path) -> None:
    write(tmp_path, MANY)
    (tmp_path / "inner").mkdir()
    middle = write(tmp_path / "inner", "extends: ../many.yaml\ntrain: {epochs: 5, seed: 2}\n", "middle")
    top = write(tmp_path, "extends: inner/middle.yaml\nmethod: {name: prefix}\ntrain: {seed: 4}\n", "prefix_top")
    assert [load_recipe(middle).train.epochs, load_recipe(middle, method="prefix").train.epochs] == [5, 5]
    recipe = load_recipe(top)
    assert (recipe.name, recipe.train.epochs, recipe.train.seed) == ("prefix_top", 5, 4)
    assert recipe.method.virtual_tokens() == 7
    assert recipe.data.revision == "main"
    other = load_recipe(top, method="lora")
    assert (other.name, other.method.model_dump()["rank"], other.train.learning_rate) == ("lora_top", 4, 1e-9)


def test_what_extends_may_name_another_data_set(tmp_path: Path) -> None:
    write(tmp_path, MANY)
    data = load_recipe(write(tmp_path, "extends: many.yaml\ndata: {source: 'file:x'}\n", "mine")).data
    assert (data.source, data.revision, data.train) == ("file:x", None, None)


def test_a_recipe_skips_bad_rows_of_its_own_data_alone() -> None:
    assert load_recipe(RECIPES / "dialogue.yaml").data.on_bad_row == "skip"
    own = ["data.source=file:x"]
    assert load_recipe(RECIPES / "dialogue.yaml", own).data.on_bad_row == "error"
    assert load_recipe(RECIPES / "dialogue.yaml", [*own, "data.on_bad_row=skip"]).data.on_bad_row == "skip"


@pytest.mark.parametrize("share", ["0.1", "10", "[0.8, 0.1]"])
def test_a_part_is_no_share(share: str) -> None:
    with pytest.raises(RecipeError, match=r"data.validation: should be the name of a file or of a split, not a"):
        load_recipe(RECIPES / "topic.yaml", [f"data.validation={share}"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "data.columns.label=null",
            "data.columns.label: should be a column's name, its number from 0, or a list",
        ),
        ("data.columns={label: [a, null]}", "data.columns.label: should be a column's name"),
        ("data.labels=[false, true]", "data.labels.0: .* got False; if this is a name, put it in quotes"),
        ("model.revision=2024", "model.revision: .*; if this is a name, put it in quotes"),
        ("train.packing=yes", "train.packing: .*, got 'yes'; write true or false"),
        ("train.epochs=1_000", "train.epochs: .*, got '1_000'"),
        ("train.batch_size=1:30", "train.batch_size: .*, got '1:30'"),
        ("epochs=3", "epochs: unknown key; it is called train.epochs here"),
        ("num_train_epochs=3", "num_train_epochs: unknown key; it is called train.epochs here"),
    ],
)
def test_what_yaml_takes_for_something_else_is_told(override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_recipe(RECIPES / "topic.yaml", [override])


def test_words_that_older_yaml_takes_for_something_else_are_what_they_look_like() -> None:
    given = ["data.columns.label=no", "data.labels=[no, on, 1:30]", "model.revision=2024-01-01", "train.batch_size=010"]
    recipe = load_recipe(RECIPES / "topic.yaml", given)
    assert recipe.data.columns["label"] == "no"
    assert recipe.data.labels == ["no", "on", "1:30"]
    assert recipe.model.revision == "2024-01-01"
    assert recipe.train.batch_size == 10


def test_a_comparison_is_no_recipe() -> None:
    file = RECIPES / "compare" / "ner.yaml"
    with pytest.raises(RecipeError, match=r"ner.yaml: a comparison, not a recipe: pefbench compare .*ner.yaml"):
        load_recipe(file)


def test_a_merge_of_mappings_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"many.yaml:4: not a recipe: << is not supported; write the keys themselves"):
        load_recipe(write(tmp_path, "task: ner\nmethod: {name: lora}\ntrain:\n  <<: {epochs: 2}\n"))


def test_two_places_of_one_yaml_anchor_are_two(tmp_path: Path) -> None:
    text = "task: ner\nmethod: {name: lora}\nmodel: &a {}\ntrain: *a\n"
    assert load_recipe(write(tmp_path, text), ["train.epochs=2"]).train.epochs == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: many.yaml\n", r"r.yaml: extends: no recipe at \S*many.yaml; "),
        ("extends: 3\n", "r.yaml: extends: should be the name of a recipe's file, got 3"),
        ("extends: r.yaml\n", "r.yaml: extends: is circular: r.yaml -> r.yaml"),
        ("extends: .\n", "r.yaml: extends: no recipe at"),
        (MANY + "  lorra: {}\n", "r.yaml: methods.lorra: unknown method; did you mean 'lora'?"),
        (MANY + "  boft: 3\n", "r.yaml: methods.boft: should be a mapping of keys to values, got 3"),
        (MANY + "  boft: {trian: {}}\n", "r.yaml: methods.boft.trian: unknown key; did you mean 'train'?"),
        (MANY + "  boft: {train: 3}\n", "r.yaml: methods.boft.train: should be a mapping"),
        (MANY + "  boft: {method: {name: oft}}\n", "r.yaml: methods.boft.method.name: is the entry's own name"),
        ("task: ner\nmethods: [lora]\n", "r.yaml: methods: should be a mapping of keys to values, got \\['lora'\\]"),
        ("task: ner\nmethds: {}\n", "methds: unknown key; did you mean 'methods'?"),
    ],
)
def test_mistakes_of_files_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said.replace("?", r"\?") if "\\" not in said else said) as caught:
        load_recipe(write(tmp_path, text, "r"))
    assert "\n" not in str(caught.value)


def test_circles_of_two_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "extends: b.yaml\n", "a")
    write(tmp_path, "extends: a.yaml\n", "b")
    with pytest.raises(RecipeError, match=re.escape("extends: is circular: a.yaml -> b.yaml -> a.yaml")):
        load_recipe(tmp_path / "a.yaml")


def test_two_methods_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"--method full and -o method.name=lora: two methods; give one"):
        load_recipe(write(tmp_path, MANY), ["method.name=lora"], "full")
    assert load_recipe(write(tmp_path, MANY), ["method.name=full"], "full").method.name == "full"
    with pytest.raises(RecipeError, match="unknown method 'lorra'; did you mean 'lora'"):
        load_recipe(write(tmp_path, MANY), method="lorra")


def test_a_name_is_looked_up_among_the_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    where = type(tmp_path)
    assert locate(where("ner")) == (RECIPES / "ner.yaml", None)
    assert locate(where("conll2003")) == (RECIPES / "hub" / "conll2003.yaml", None)
    assert locate(where("lora_ner")) == (RECIPES / "lora_ner.yaml", None)
    assert locate(where("ln_tuning_topic")) == (RECIPES / "topic.yaml", "ln_tuning")
    assert locate(RECIPES / "ln_tuning_topic.yaml") == (RECIPES / "topic.yaml", "ln_tuning")
    for path, name in (("recipes/ner.yaml", "ner"), ("lora_topic.yaml", "lora_topic")):  # as README has them
        with pytest.raises(RecipeError, match=rf"^no recipe at {path}; pefbench has its own of .*: give {name} in"):
            load_recipe(where(path))
    with pytest.raises(RecipeError, match=r"^no recipe at recipes/lora_nerr.yaml; did you mean lora_ner\?$"):
        load_recipe(where("recipes/lora_nerr.yaml"))
    with pytest.raises(RecipeError, match=r"^no recipe at x+"):
        load_recipe(where("x" * 5000, "ner.y"))
    (tmp_path / "recipes").mkdir()
    write(tmp_path / "recipes", MANY, "topic")
    assert locate(where("topic")) == (where("recipes/topic.yaml"), None)
    assert load_recipe(where("full_topic")).data.source == "hf:a/b"
    with pytest.raises(RecipeError, match=r"no recipe 'nerr': did you mean 'ner'\? a recipe is a YAML file, or one of"):
        load_recipe(where("nerr"))
    with pytest.raises(RecipeError, match=r"no recipe 'zzzz': a recipe is a YAML file, or one of"):
        load_recipe(where("zzzz"))
    with pytest.raises(RecipeError, match=r"no recipe 'essay_scoring': it is a task; its recipes: asap"):
        load_recipe(where("essay_scoring"))


def test_what_is_read_twice_is_not_shared(tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    file.write_text("task: ner\ntrain:\n  epochs: 1\n", encoding="utf8")
    first = read_yaml(file)
    first["train"]["epochs"] = 2
    assert read_yaml(file) == {"task": "ner", "train": {"epochs": 1}}
