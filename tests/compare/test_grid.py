"""Running a comparison: refused metrics, missing trials, and seeds of dropped methods."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.compare.grid import Grid, Wanted, _finals, _waits
from pefbench.compare.selection import Selection, select
from pefbench.errors import RecipeError
from pefbench.results.address import place_at

if TYPE_CHECKING:
    from pathlib import Path

MISSING: Any = SimpleNamespace(status="missing", planned=SimpleNamespace(setting=0))


@pytest.mark.parametrize(
    ("better", "advice"), [({"distinct_2": True, "bleu": True}, "name bleu"), ({"distinct_2": True}, "give evaluate")]
)
def test_a_metric_of_all_answers_together_is_refused(better: dict[str, bool], advice: str, tmp_path: Path) -> None:
    answer = {
        "paths": [],
        "headline": "distinct_2",
        "higher_is_better": better,
        "untestable": ["distinct_2"],
        "training_examples": 9,
    }
    pool: Any = SimpleNamespace(inspect=lambda _: answer)
    plan: Any = SimpleNamespace(
        comparison=SimpleNamespace(metric=None), settings={}, tuning=list, measure=lambda _: None
    )
    with pytest.raises(RecipeError, match=f"^metric: distinct_2 is computed over all answers at once, .*{advice}"):
        Grid(plan, Wanted(tmp_path, tmp_path), pool, place_at(tmp_path))


@pytest.mark.parametrize(
    ("selected", "status", "waits"),
    [
        (Selection(0, [0.5]), "finished", False),
        (Selection(0, [0.5]), "failed", False),
        (Selection(0, [0.5]), "missing", True),
        (select([], "accuracy", higher=True), "finished", False),
        (select([MISSING], "accuracy", higher=True), "finished", True),
        (select([MISSING], "accuracy", higher=True, give_up=True), "finished", False),
    ],
)
def test_another_look_waits_for_missing_trials_and_not_for_failed_ones(
    selected: Selection, status: str, waits: bool
) -> None:
    finals: list[Any] = [SimpleNamespace(status="finished"), SimpleNamespace(status=status)]
    assert _waits({"full": Selection(0, [0.5]), "lora": selected}, finals) is waits


def test_a_method_that_was_left_out_of_a_look_gets_the_seeds_that_it_missed() -> None:
    def final(method: str, setting: int, seeds: int) -> list[Any]:
        return [
            SimpleNamespace(method=method, setting=setting, seed=seed, scored=("test",)) for seed in range(1, seeds + 1)
        ]

    plan: Any = SimpleNamespace(final=final)
    selections = {name: Selection(0, [0.5]) for name in ("full", "lora")}
    before: list[Any] = [SimpleNamespace(planned=each) for each in [*final("full", 0, 4), *final("lora", 0, 2)]]
    new = _finals(plan, selections, ["full", "lora"], 6, before)
    assert [(each.method, each.seed) for each in new] == [
        *(("full", seed) for seed in (5, 6)),
        *(("lora", seed) for seed in (3, 4, 5, 6)),
    ]
