"""Spaces: how recipes define them, how Optuna sees them, and what is refused."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from pefbench.errors import RecipeError
from pefbench.methods.ia3 import Ia3
from pefbench.methods.lora import Lora
from pefbench.registry import find, names
from pefbench.search.space import Space, default

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_nested_sections_and_full_names_are_the_same_space() -> None:
    rate = {"log_uniform": [1e-4, 1e-2]}
    flat = Space.read({"train.learning_rate": rate, "method.rank": [4, 8]}, Lora)
    nested = Space.read({"train": {"learning_rate": rate}, "method": {"rank": {"choice": [4, 8]}}}, Lora)
    assert flat.plain() == nested.plain()
    assert flat.plain()["method.rank"] == {"choice": [4, 8]}


@pytest.mark.parametrize("name", names("method"))
def test_every_method_has_a_space_of_its_own_options(name: str) -> None:
    if name == "peft":  # any type of PEFT's: there is nothing to know of its options
        return
    method = find("method", name)
    space = Space.read({}, method)
    low, high = default(method)["train.learning_rate"]["log_uniform"]
    assert low < method.learning_rate < high
    assert set(space.ways) == {"train.learning_rate", *(f"method.{option}" for option in method.searched)}


def test_what_is_proposed_is_what_a_recipe_takes() -> None:
    given: dict[str, Any] = {
        "train.learning_rate": {"log_uniform": [1e-4, 1e-2]},
        "train.batch_size": {"uniform": [8, 64]},
        "method.target_modules": [["query"], ["query", "value"], None],
        "method.dropout": {"uniform": [0, 0.2]},
    }
    space, study = Space.read(given, Lora), optuna.create_study()
    for _ in range(20):
        trial = study.ask()
        setting = space.suggest(trial)
        assert setting == space.setting(trial.params)
        assert 1e-4 <= setting["train.learning_rate"] <= 1e-2
        assert len(f"{setting['train.learning_rate']:.12g}".strip("0.").replace(".", "").split("e")[0]) <= 3
        assert isinstance(setting["train.batch_size"], int)
        assert setting["method.target_modules"] in given["method.target_modules"]
    assert next(iter(space.extremes()))["train.batch_size"] == 8
    assert [*space.extremes()][-1]["train.batch_size"] == 64
    assert len([*space.extremes()]) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data.source": ["file:a"]}, r"^search\.data\.source: may not be searched; valid: method\.\*"),
        ({"train.seed": [1, 2]}, r"^search\.train\.seed: may not be searched"),
        ({"method.name": ["lora"]}, r"^search\.method\.name: may not be searched"),
        ({"method.rnak": [4]}, r"^search\.method\.rnak: unknown field; did you mean 'rank'\?"),
        ({"train": {"learning_rate": {"log": [1, 2]}}}, r"^search\.train\.learning_rate\.log: unknown key"),
        ({"train.learning_rate": {"log_uniform": [0, 1]}}, r"^search\.train\.learning_rate\.log_uniform: should start"),
        ({"train.learning_rate": 0.1}, r"^search\.train\.learning_rate: should be a list of values or one of"),
        ({"train.learning_rate": []}, r"^search\.train\.learning_rate: is empty; give values"),
    ],
)
def test_what_cannot_be_searched_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Space.read(given, Lora)


def test_a_method_without_options_searches_its_rate_alone() -> None:
    assert [*Space.read({}, Ia3).ways] == ["train.learning_rate"]
    assert Space.read({}, Ia3).size is None
    assert Space.read({"train.learning_rate": [1e-3, 1e-2], "train.epochs": [1, 2, 3]}, Ia3).size == 6
