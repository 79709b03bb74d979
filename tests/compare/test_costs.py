"""When a method's costs cannot be compared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pefbench.compare import report
from pefbench.compare.costs import notes, of
from tests.sample_results import sample

if TYPE_CHECKING:
    from pefbench.compare.plan import Outcome
    from pefbench.results.verdict_schema import Costs, MethodVerdict


@pytest.mark.parametrize(
    ("wall", "own", "noted"),
    [
        (20.0, 19.0, False),
        (20.0, 36.0, False),  # two threads
        (20.0, 11.0, True),
        (20.0, None, False),  # on a GPU, or an older file
    ],
)
def test_training_that_waited_for_a_processor_is_noted(wall: float, own: float | None, noted: bool) -> None:
    costs = cast("Costs", {"train_seconds": wall, "train_processor_seconds": own})
    assert notes(costs) == (["other processes slowed down training: it ran for 11.0 of 20.0 seconds"] * noted)


def test_the_peak_that_a_verdict_shows_is_that_of_training_as_in_tables() -> None:
    costs = {
        "trainable_parameters": 8,
        "trainable_percent": 1.0,
        "adapter_bytes": 32,
        "train_seconds": 5.0,
        "tuning_seconds": 9.0,
        "peak_memory_bytes": {"train": 2_000_000_000, "evaluate": 3_000_000_000},
    }
    shown = report._costs(cast("MethodVerdict", {"costs": costs}))
    assert "2.0 GB" in shown
    assert "3.0 GB" not in shown


def test_the_adapter_is_the_largest_over_seeds_as_in_tables() -> None:
    runs = [sample(seed=seed, changes={"model.adapter_bytes": size}) for seed, size in enumerate((1_000, 3_000, 2_000))]
    finals = [cast("Outcome", SimpleNamespace(result=run)) for run in runs]
    assert of(finals, [])["adapter_bytes"] == 3_000
