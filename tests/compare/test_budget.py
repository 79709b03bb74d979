"""A method's tuning budget, in settings or in training examples seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.compare.budget import Budget
from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from pefbench.recipe import Recipe


def settings(*epochs: float) -> list[Recipe]:
    return [cast("Recipe", cast("Any", SimpleNamespace(train=SimpleNamespace(epochs=each)))) for each in epochs]


def test_a_trial_sees_its_training_split_once_an_epoch_with_each_tuning_seed() -> None:
    assert Budget(None, 10_000, seeds=2, examples=1000).spent(settings(1, 2, 0.5)) == 2 * (1000 + 2000 + 500)


def test_cheap_methods_try_more() -> None:
    budget = Budget(None, 12_000, seeds=1, examples=1000)
    assert budget.left(settings(4, 4, 4)) == 0
    assert budget.left(settings(1, 1, 1)) == 9
    assert not budget.allows(settings(4, 4), settings(4.5)[0])
    assert budget.allows(settings(4, 4), settings(4)[0])


def test_settings_are_counted_where_compute_does_not_limit_them() -> None:
    budget = Budget(5, None, seeds=1, examples=1000)
    assert budget.left(settings(1, 1, 1)) == 2
    assert budget.allows(settings(1, 1, 1, 1), settings(100)[0])
    assert not budget.allows(settings(1, 1, 1, 1, 1), settings(1)[0])
    assert not budget.could_allow(settings(1, 1, 1, 1, 1), {"train.epochs"})


def test_too_little_for_the_first_settings_is_refused() -> None:
    with pytest.raises(
        RecipeError,
        match=r"^compute: 5,000 training examples are too few for lora, whose first 3 settings see 6,000",
    ):
        Budget(None, 5000, seeds=1, examples=1000).check("lora", settings(2, 2, 2))
    Budget(None, 6000, seeds=1, examples=1000).check("lora", settings(2, 2, 2))
