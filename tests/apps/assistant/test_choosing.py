"""The file of the rule: what no training writes is refused at the start, not at the first question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.apps.assistant import choosing
from pefbench.apps.assistant.answering import FEATURES
from pefbench.apps.assistant.rule import Rule
from pefbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

RULE = Rule((1.0,) * len(FEATURES), -1.0, 0.5, 0.05, 0.1, 0.2, 80, 1, 100)
MEASURED = choosing.Measured(questions=50, answered=40, wrong=1, low=0.0, high=0.1, outside=10, let_through=0)
MODELS, LIMITS = {"intents": "0123456789ab"}, {"wrong": 0.05}


def test_a_stored_rule_is_read_as_it_was(tmp_path: Path) -> None:
    choosing.write(tmp_path / "rule.json", RULE, MEASURED, MODELS, LIMITS)
    assert choosing.read(tmp_path / "rule.json", MODELS, LIMITS) == (RULE, MEASURED)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("rule", {"threshold": float("nan")}),  # nothing is less than that, so everything would be answered
        ("rule", {"threshold": "high"}),
        ("rule", {"threshold": None}),
        ("rule", {"weights": [1.0, 2.0]}),
        ("rule", {"weights": ["a"] * len(FEATURES)}),
        ("rule", {"other": 1}),
        ("measured", {"low": "a"}),
        ("measured", None),
    ],
)
def test_a_damaged_rule_is_refused(tmp_path: Path, part: str, change: dict[str, Any] | None) -> None:
    file = tmp_path / "rule.json"
    choosing.write(file, RULE, MEASURED, MODELS, LIMITS)
    values = json.loads(file.read_text(encoding="utf8"))
    values[part] = {} if change is None else values[part] | change
    file.write_text(json.dumps(values), encoding="utf8")
    with pytest.raises(DataError, match=r"rule.json: damaged; delete it and run pefbench app assistant train"):
        choosing.read(file, MODELS, LIMITS)
