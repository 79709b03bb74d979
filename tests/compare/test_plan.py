"""The settings of a plan: the first ones, and those placed by results within the budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.compare.plan import Plan
from pefbench.errors import RecipeError
from tests.compare.files import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.worlds import World

RATE, EPOCHS, BATCH, SCHEDULE = "train.learning_rate", "train.epochs", "train.batch_size", "train.schedule"
EXAMPLES = 100


def searched(world: World, search: dict[str, Any], **changes: Any) -> Path:
    entry = {"method": {"name": "head_only"}, "search": search}
    return write(world, "searched", methods={"one": entry, "two": entry}, **changes)


def placed(file: Path, score: Callable[[dict[str, Any]], float | None]) -> list[dict[str, Any]]:
    """All settings of one method whose trials score so."""
    plan = Plan(file)
    plan.measure(EXAMPLES)
    while plan.place({"one": [score(setting) for setting in plan.settings["one"]]}, higher=True):
        pass
    return plan.settings["one"]


def rates(settings: list[dict[str, Any]]) -> list[float]:
    return [setting[RATE] for setting in settings]


@pytest.mark.parametrize("search", [{"log_uniform": [1e-4, 1e-3]}, [1e-4, 3e-4, 1e-3]], ids=["drawn", "listed"])
def test_where_the_best_lies_at_an_end_the_range_moves_within_the_budget(world: World, search: Any) -> None:
    """The best rate, 0.1, is a hundred times the largest that the file names."""
    file = searched(world, {RATE: search}, trials=9)
    found = rates(placed(file, lambda setting: -abs(math.log(setting[RATE] / 0.1))))
    assert len({*found}) == 9
    assert max(found[:3]) <= 1e-3
    assert max(found) > 0.02


def test_the_same_results_place_the_same_settings_and_none_is_ever_lost(world: World) -> None:
    """A comparison that was killed after any trial goes on with the settings that it would have had."""
    file = searched(world, {RATE: {"log_uniform": [1e-4, 1e-3]}, EPOCHS: {"uniform": [0.5, 2]}}, trials=7)

    def score(setting: dict[str, Any]) -> float:
        return math.sin(1e5 * setting[RATE]) + float(setting[EPOCHS])

    whole = placed(file, score)
    assert placed(file, score) == whole
    for done in range(4, 8):
        plan = Plan(file)
        plan.measure(EXAMPLES)
        assert plan.settings["one"] == whole[:4]
        for count in range(4, done):
            plan.place({"one": [score(setting) for setting in whole[:count]]}, higher=True)
        assert plan.settings["one"] == whole[:done]


def test_epochs_batch_size_and_schedule_are_searched(world: World) -> None:
    drawn = {
        RATE: {"log_uniform": [1e-4, 1e-2]},
        EPOCHS: {"choice": [1, 2, 4]},
        BATCH: {"log_uniform": [2, 32]},
        SCHEDULE: {"choice": ["linear", "cosine", "constant"]},
    }
    file = searched(world, drawn, trials=12)
    plan = Plan(file)
    plan.measure(EXAMPLES)
    for trial in plan.tuning():
        setting = plan.settings[trial.method][trial.setting]
        train = trial.recipe.train
        assert (train.learning_rate, train.epochs, train.batch_size, train.schedule) == tuple(setting.values())
    found = placed(file, lambda setting: setting[BATCH] + (setting[SCHEDULE] == "cosine"))
    assert len(found) == 12
    assert max(setting[BATCH] for setting in found) > 32
    assert all(isinstance(setting[BATCH], int) for setting in found)
    assert {setting[SCHEDULE] for setting in found} == {"linear", "cosine", "constant"}


def test_listed_epochs_and_batch_sizes_move_too(world: World) -> None:
    file = searched(world, {EPOCHS: [1, 2, 4], BATCH: [8], SCHEDULE: ["linear", "cosine"]}, trials=8)
    found = placed(file, lambda setting: setting[EPOCHS] + (setting[SCHEDULE] == "cosine"))
    assert found[6:] == [{EPOCHS: 8, BATCH: 8, SCHEDULE: "cosine"}, {EPOCHS: 16, BATCH: 8, SCHEDULE: "cosine"}]


def test_compute_lets_a_method_with_fewer_epochs_try_more(world: World) -> None:
    """4,000 examples seen are five settings of eight epochs of 100 examples, and ten of four."""
    entry = {"method": {"name": "head_only"}, "search": {RATE: [1e-4, 1e-3, 1e-2]}}
    short, long = ({**entry, "search": {**entry["search"], EPOCHS: [epochs]}} for epochs in (4, 8))  # type: ignore[dict-item]
    plan = Plan(write(world, "computed", trials=..., compute=4000, methods={"short": short, "long": long}))
    plan.measure(EXAMPLES)
    assert (plan.left("short"), plan.left("long")) == (7, 2)
    while plan.place(
        {name: [-abs(math.log(setting[RATE] / 2e-3)) for setting in tried] for name, tried in plan.settings.items()},
        higher=True,
    ):
        pass
    assert (len(plan.settings["short"]), len(plan.settings["long"])) == (10, 5)
    assert (plan.spent("short"), plan.spent("long")) == (4000, 4000)


def test_compute_is_never_exceeded_where_epochs_are_drawn(world: World) -> None:
    search = {RATE: {"log_uniform": [1e-4, 1e-2]}, EPOCHS: {"uniform": [1, 5]}}
    found = placed(searched(world, search, trials=..., compute=3000), lambda setting: setting[EPOCHS])
    spent = sum(round(setting[EPOCHS] * EXAMPLES) for setting in found)
    assert 2800 < spent <= 3000


def test_compute_that_is_too_little_is_refused_with_both_numbers(world: World) -> None:
    plan = Plan(searched(world, {RATE: [1e-4, 1e-3, 1e-2], EPOCHS: [4]}, trials=..., compute=1000))
    with pytest.raises(RecipeError, match=r"^compute: 1,000 .* too few for one, whose first 3 settings see 1,200"):
        plan.measure(EXAMPLES)
