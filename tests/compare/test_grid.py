"""What is refused before any trial: here a metric that no test can compare."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.compare.grid import _facts
from pefbench.errors import RecipeError
from pefbench.results.address import place_at

if TYPE_CHECKING:
    from pathlib import Path


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
        _facts(plan, pool, place_at(tmp_path))
