"""Fast paths: automatic, recorded, disabled by one field, and with the same numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.models.cpu_kernels import onednn_linear
from pefbench.recipe import load_recipe
from pefbench.trial import predict, round_trip, run
from pefbench.trial.batching import sorted_batches
from pefbench.trial.saved import TRIAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

PATHS = ["fast_linear", "fit_batches", "fused_lora"] if onednn_linear else ["fit_batches", "fused_lora"]


@pytest.fixture(scope="module")
def trials(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The results of a trial with the faster paths and of one without."""
    folder = tmp_path_factory.mktemp("fast_paths")
    recipe = world.recipe("fast_paths", method={"name": "lora"}, train__epochs=1, train__precision="fp32")
    return {
        fast: run.run(load_recipe(recipe, [] if fast else ["train.fast_paths=false"]), folder) for fast in (True, False)
    }


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return value


def test_a_result_says_which_were_taken(trials: dict[bool, Path]) -> None:
    results = {fast: read(path) for fast, path in trials.items()}
    assert results[True]["fast_paths"] == PATHS
    assert "fast_paths" not in results[True]["recipe"]["train"]
    assert results[False]["fast_paths"] == []
    assert results[False]["recipe"]["train"]["fast_paths"] is False


def test_both_ways_come_to_the_same(trials: dict[bool, Path]) -> None:
    fast, plain = (read(trials[taken]) for taken in (True, False))
    assert [point["loss"] for point in fast["curve"]] == pytest.approx(
        [point["loss"] for point in plain["curve"]], rel=1e-4
    )
    for name, value in plain["metrics"]["test"].items():
        assert fast["metrics"]["test"][name]["value"] == pytest.approx(value["value"], abs=1e-6)


def test_a_trial_is_verified_as_it_was_predicted(trials: dict[bool, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def noted(*given: Any, fitted: bool) -> Any:
        seen.append(fitted)
        return sorted_batches(*given, fitted=fitted)

    monkeypatch.setattr(predict, "sorted_batches", noted)
    for path in trials.values():
        round_trip.verify(path.with_suffix(""))
    file = trials[True].with_suffix("") / TRIAL
    older = read(file)
    assert older.pop("fast_paths") == PATHS
    file.write_text(json.dumps(older), encoding="utf8")
    round_trip.verify(file.parent)
    assert seen == [True, False, False]
