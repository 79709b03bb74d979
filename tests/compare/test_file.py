"""Comparison files: which are valid, the recipe of each trial, and messages for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.compare.defaults import SPACING, rates
from pefbench.compare.file import base_of, load_comparison, recipe_of
from pefbench.compare.search import settings
from pefbench.errors import RecipeError
from pefbench.paths import PROJECT
from pefbench.registry import names
from tests.compare.files import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

RECIPES = PROJECT / "recipes" / "compare"
AS_RECORDED = ("ner", "topic", "sentiment")
"""Files whose rates are a decade apart, as those of the results in results/compare/ are."""

HEAD_RATES = {"software_ner": 0.03}
"""The head's own rate, where it has one: the same beside every method but `head_only`."""


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_comparison_in_the_repository_is_valid(file: Path) -> None:
    comparison, found = load_comparison(file)
    assert {"full", "lora", "bottleneck", "prefix"} <= set(found)
    assert comparison.looked_at == [5, 10]
    assert comparison.trials == 5
    for name, tried in found.items():
        low, middle, high = sorted(setting["train.learning_rate"] for setting in tried)
        recipe = recipe_of(comparison, file.parent / comparison.recipe, name, tried[0], 3)
        assert recipe.method.learning_rate == middle  # around what a user gets without tuning, whatever was best before
        own = {setting.get("train.head_learning_rate") for setting in tried}
        assert own == {None if name == "head_only" else HEAD_RATES.get(file.stem)}
        assert all(setting.keys() <= {"train.learning_rate", "train.head_learning_rate"} for setting in tried)
        spacing = 10 if file.stem in AS_RECORDED else SPACING
        assert (high / middle, middle / low) == pytest.approx((spacing, spacing), rel=2e-3)  # of three digits


def test_all_methods_are_compared_somewhere() -> None:
    assert sorted(load_comparison(RECIPES / "sentiment_all.yaml")[1]) == [
        each for each in names("method") if each != "peft"
    ]


def test_a_trials_recipe_is_the_base_with_method_setting_and_seed(world: World) -> None:
    file = write(world)
    comparison, found = load_comparison(file, ["train.batch_size=4"])
    recipe = recipe_of(comparison, file.parent / comparison.recipe, "lora", found["lora"][1], 7, ["train.batch_size=4"])
    assert (recipe.name, recipe.method.name, recipe.method.model_dump()["rank"]) == ("lora", "lora", 4)
    assert (recipe.train.learning_rate, recipe.train.seed, recipe.train.batch_size) == (0.01, 7, 4)
    assert recipe.train.max_length == 32


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trials": 3}, "methods.head.search: 2 different settings, but each method tries 3 (trials)"),
        ({"trials": 0}, "trials: input should be greater than or equal to 1, got 0"),
        ({"seeds": ...}, "seeds: missing"),
        ({"seeds": [1, 1]}, "seeds.1: should be a new number of 0 or more, up to 2^63 - 1, got 1"),
        ({"tuning_seeds": [-1]}, "tuning_seeds.0: should be a new number of 0 or more, up to 2^63 - 1, got -1"),
        (
            {"seeds": [1, 2**63]},
            "seeds.1: should be a new number of 0 or more, up to 2^63 - 1, got 9223372036854775808",
        ),
        ({"seeds": 0}, "seeds: should be from 1 to 1,000, or a list, got 0"),
        ({"seeds": 10**9}, "seeds: should be from 1 to 1,000, or a list, got 1,000,000,000"),
        ({"seeds": "five"}, "seeds: should be a number of seeds, or a list of them, as in [1, 2, 3], got 'five'"),
        ({"seeds": [1, 2.0]}, "seeds: should be a number of seeds, or a list of them, as in [1, 2, 3], got [1, 2.0]"),
        ({"seeds": 5, "looks": [5, 10**9]}, "looks.1: should be at most 1,000 seeds, got 1,000,000,000"),
        ({"trials": 10**8}, "trials: input should be less than or equal to 10000, got 100000000"),
        ({"trials": "many", "methods": ["full", "lora"]}, "trials: input should be a valid integer, got 'many'"),
        ({"margin": float("inf")}, "margin: input should be a finite number, got inf"),
        (
            {"pscp": {"parameters": float("inf"), "seconds_per_1000": 1, "memory_bytes": 1}},
            "pscp.parameters: input should be a finite number, got inf",
        ),
        ({"seeds": []}, "seeds: should have a seed"),
        ({"looks": [1, 2]}, "looks: should be numbers of seeds, rising from 2 or more, as in [5, 10], got [1, 2]"),
        ({"looks": [2, 3]}, "looks.1: should be 2, as many as there are seeds, got 3"),
        ({"seeds": 5, "looks": [4, 8]}, "looks.0: should be 5, as `seeds` says, got 4"),
        ({"margin": 0}, "margin: input should be greater than 0, got 0"),
        ({"compute": 1000}, "compute: replaces `trials`; name one of the two"),
        ({"compute": 0, "trials": ...}, "compute: input should be greater than 0, got 0"),
        ({"seed": 1}, "seed: unknown key; did you mean 'seeds'?"),
        ({"name": "x"}, "name: unknown key; valid: compute, looks, margin, methods, metric, pscp, recipe, search, "),
        (
            {"trails": 3},
            "trails: unknown key; did you mean 'trials'? valid: compute, looks, margin, methods, metric, ps",
        ),
        ({"search": {"samplr": "tpe"}}, "search.samplr: unknown key; did you mean 'sampler'? valid: prune, sampler, t"),
        ({"search": "tpe", "trials": ...}, "search: should be a mapping, got 'tpe'"),
        (
            {"methods": {"one": {"method": {"name": "full"}, "search": {"train.epochs": [1, 2]}}}},
            "methods: should be t",
        ),
        ({"methods": ["full"]}, "methods: should be two or more, got ['full']"),
        ({"methods": None}, "methods: should be a list, as in [full, lora], or a mapping, got None"),
        (
            {"methods": ["full", "full"]},
            "methods.1: should be the name of a method that is not listed above, got 'full'",
        ),
        ({"methods": ["full", 3]}, "methods.1: should be the name of a method that is not listed above, got 3"),
        ({"methods": ["full", "lorra"]}, "methods.lorra.method: missing, and lorra is no method; did you mean 'lora'?"),
        ({"methods": "lora"}, "methods: should be a list, as in [full, lora], or a mapping, got 'lora'"),
        ({"methods__lora": ["rank"]}, "methods.lora: should be a mapping, got ['rank']"),
        ({"methods__lora": {"rank": 8}}, "methods.lora.rank: unknown key; valid: method, search"),
        (
            {"methods__lora": {"search": {"learning_rate": [1e-3, 1e-2]}}},
            "methods.lora.search.learning_rate: no field; write it with its section, as in train.learning_rate",
        ),
        (
            {"methods__lora": {"search": {"train.learning_rate": {"uniform": [-1e-5, 1]}}}},
            "methods.lora: train.learning_rate: input should be greater than 0, got -1e-05",
        ),
        ({"methods__lora": {"method": {"name": "lorra"}}}, "methods.lora: unknown method 'lorra'"),
        (
            {"methods__lora": {"method": {"name": "lorra"}, "search": {"train.epochs": [1, 2]}}},
            "methods.lora: unknown method 'lorra'; did you mean 'lora'?",
        ),
        (
            {"methods__lora": {"method": {"name": "lora"}, "search": {"method.rnk": [4, 8]}}},
            "methods.lora: method.rnk: unknown key; did you mean 'rank'?",
        ),
        (
            {"methods__lora": {"method": {"name": "lora"}, "search": {"data.source": ["file:a", "file:b"]}}},
            "methods.lora.search.data.source: may not be searched",
        ),
        (
            {"methods__lora": {"method": {"name": "lora"}, "search": {"train.seed": [1, 2]}}},
            "methods.lora.search.train.seed: may not be searched",
        ),
        ({"methods__a/b": {"method": {"name": "lora"}, "search": {"train.epochs": [1, 2]}}}, "methods.a/b: "),
        ({"methods": {name: {"method": {"name": "lora"}} for name in (" ", "full")}}, "methods. : a method's name is "),
        ({"methods": {name: {"method": {"name": "lora"}} for name in ("a\nb", "full")}}, "methods.a\\nb: a method's n"),
        (
            {"methods": {name: {"method": {"name": "lora"}} for name in ("é" * 101, "full")}},
            f"methods.{'é' * 101}: a method's name is also a folder's, so it should be at most 200 bytes",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_path(world: World, changes: dict[str, Any], said: str) -> None:
    file = write(world, "wrong", **changes)
    with pytest.raises(RecipeError) as error:
        load_comparison(file)
    assert str(error.value).startswith(f"{file}: {said}")
    assert "\n" not in str(error.value)


def test_seeds_come_in_looks(world: World) -> None:
    number = load_comparison(write(world, "looks", seeds=5))[0]
    assert (number.looked_at, number.all_seeds) == ([5, 10], [*range(1, 11)])
    once = load_comparison(write(world, "looks", seeds=5, looks=[5]))[0]
    assert (once.looked_at, once.all_seeds) == ([5], [1, 2, 3, 4, 5])
    listed = load_comparison(write(world, "looks", seeds=[3, 1, 4], looks=[2, 3]))[0]
    assert (listed.looked_at, listed.all_seeds) == ([2, 3], [3, 1, 4])
    assert load_comparison(write(world, "looks", seeds=[0, 1, 2]))[0].looked_at == [3]
    alone = load_comparison(write(world, "looks", seeds=1))[0]  # decides nothing, so no method is undecided after it
    assert (alone.looked_at, alone.all_seeds) == ([1], [1])


def test_a_mistake_of_the_base_recipe_is_its_own(world: World) -> None:
    with pytest.raises(RecipeError, match=r"no recipe at .*bsae\.yaml; did you mean 'base\.yaml'"):
        load_comparison(write(world, "lost", recipe="bsae.yaml"))


@pytest.mark.parametrize("named", ["ner", "lora_ner", "hub/ner"])
def test_the_base_recipe_may_be_a_name(tmp_path: Path, named: str) -> None:
    file = tmp_path / "named.yaml"
    file.write_text(f"recipe: {named}\nseeds: 2\nmethods: [full, lora]\n", encoding="utf8")
    comparison, found = load_comparison(file)
    recipe = recipe_of(comparison, base_of(file, comparison), "lora", found["lora"][0], 1)
    assert (recipe.task, recipe.method.name) == ("ner", "lora")


def test_a_file_beside_the_comparison_comes_before_a_name(world: World) -> None:
    file = write(world, "beside", recipe="ner")
    (world.folder / "ner").write_text(world.recipe("base").read_text(encoding="utf8"), encoding="utf8")
    comparison, _ = load_comparison(file)
    assert base_of(file, comparison) == world.folder / "ner"


def test_drawn_settings_are_the_seeds_and_lie_within() -> None:
    ranges = {"train.learning_rate": {"log_uniform": [1e-4, 1e-2]}, "method.rank": {"choice": [4, 8]}}
    found = settings(ranges, 16, 3, "s")  # the first half of the budget; the results place the others
    assert found == settings(ranges, 16, 3, "s")
    assert found != settings(ranges, 16, 4, "s")
    assert len({str(setting) for setting in found}) == 8
    assert all(1e-4 <= setting["train.learning_rate"] <= 1e-2 for setting in found)
    assert {setting["method.rank"] for setting in found} == {4, 8}
    below = sum(setting["train.learning_rate"] < 1e-3 for setting in settings(ranges, 400, 0, "s"))
    assert 70 < below < 130  # half of them lie below the middle of the logarithms


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"choice": [4, 8]}, "s: has 2 different settings, but each method tries 3"),
        ({"log_uniform": [0, 1]}, "s.f.log_uniform: should start above 0"),
        ({"uniform": [2, 1]}, "s.f.uniform: should be two numbers, the lower first"),
        ({"uniform": [1, "2"]}, "s.f.uniform: should be two numbers"),
        ({"log_unifrom": [1, 2]}, "s.f.log_unifrom: unknown key; did you mean 'log_uniform'?"),
        ({"choice": 4}, "s.f.choice: should be a list, got 4"),
        (4, "s.f: should be a list of values or one of"),
    ],
)
def test_ranges_that_cannot_be_drawn_from_are_refused(given: Any, said: str) -> None:
    with pytest.raises(RecipeError) as error:
        settings({"f": given}, 3, 0, "s")
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("way", ["uniform", "log_uniform"])
def test_a_field_of_whole_numbers_is_drawn_in_whole_numbers(world: World, way: str) -> None:
    search = {"train.batch_size": {way: [4, 64]}, "method.rank": {way: [1, 16]}, "train.epochs": {way: [1, 4]}}
    lora = {"method": {"name": "lora"}, "search": search}
    [*drawn] = load_comparison(write(world, "whole", trials=8, methods={"one": lora, "two": lora}))[1]["one"]
    assert all(type(each["train.batch_size"]) is type(each["method.rank"]) is int for each in drawn)
    assert all(4 <= each["train.batch_size"] <= 64 for each in drawn)
    assert any(each["train.epochs"] % 1 for each in drawn)


def test_lists_and_draws_do_not_mix() -> None:
    with pytest.raises(RecipeError, match=r"s\.b: a list cannot be mixed with drawn fields"):
        settings({"a": {"choice": [1, 2]}, "b": [1, 2]}, 2, 0, "s")


def test_some_of_the_methods() -> None:
    file = RECIPES / "ner.yaml"
    comparison, found = load_comparison(file, methods=["prefix", "full"])
    assert list(comparison.methods) == list(found) == ["full", "prefix"]
    assert found["full"] == load_comparison(file)[1]["full"]
    with pytest.raises(RecipeError, match=r"--method lorra: no method of this comparison; did you mean 'lora'\?"):
        load_comparison(file, methods=["lorra", "full"])
    with pytest.raises(RecipeError, match="--method full: a comparison needs two or more methods"):
        load_comparison(file, methods=["full"])


def test_a_method_that_is_only_named_is_tuned_around_its_own_default(world: World) -> None:
    named = load_comparison(write(world, "named", methods=["full", "lora"], trials=5))
    written = load_comparison(
        write(
            world,
            "named",
            trials=5,
            methods={
                "full": {"method": {"name": "full"}, "search": {"train.learning_rate": [9.49e-5, 3e-4, 9.49e-4]}},
                "lora": {"method": {"name": "lora"}, "search": {"train.learning_rate": [3.16e-4, 1e-3, 3.16e-3]}},
            },
        )
    )
    assert named == written
    ranked = {"r4": {"method": {"name": "lora", "rank": 4}}, "full": None}
    comparison, found = load_comparison(write(world, "ranked", methods=ranked, trials=3))
    assert comparison.methods["r4"].method == {"name": "lora", "rank": 4}
    assert found["r4"] == written[1]["lora"]


@pytest.mark.parametrize(
    ("trials", "expected"),
    [(1, [1e-3]), (2, [5.62e-4, 1.78e-3]), (3, [3.16e-4, 1e-3, 3.16e-3]), (9, [3.16e-4, 1e-3, 3.16e-3])],
)
def test_rates_lie_alike_around_the_default(trials: int, expected: list[float]) -> None:
    assert rates(1e-3, trials) == expected


def test_a_recipe_is_no_comparison() -> None:
    with pytest.raises(RecipeError, match=r"topic.yaml: a recipe, not a comparison file; run it with: pefbench"):
        load_comparison(RECIPES.parent / "topic.yaml")
