"""The note on a chosen value at the end of what was tried."""

from __future__ import annotations

from typing import Any

import pytest

from pefbench.compare.search import edges

RATE, EPOCHS = "train.learning_rate", "train.epochs"


def tried(field: str, *values: Any) -> list[dict[str, Any]]:
    return [{field: value} for value in values]


@pytest.mark.parametrize(("chosen", "end"), [(0, "smallest"), (2, "largest")])
def test_a_number_at_an_end_is_noted(chosen: int, end: str) -> None:
    [note] = edges(tried(RATE, 1e-4, 3e-4, 1e-3), chosen)
    assert note.startswith(f"chose the {end} {RATE} that it tried, ")


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (tried(RATE, 1e-4, 3e-4, 1e-3), 1),
        (tried(RATE, 1e-4, 3e-4), 0),
        (tried("method.bias", "none", "all", "lora_only"), 0),
        (tried("train.class_weights", None, "balanced", None), 0),
        (tried("method.dora", True, False), 1),
    ],
)
def test_within_or_of_few_or_without_an_order_nothing_is(settings: list[dict[str, Any]], chosen: int) -> None:
    assert edges(settings, chosen) == []


def test_each_field_is_looked_at_over_all_its_values() -> None:
    settings = [{RATE: rate, EPOCHS: epochs} for rate in (1e-4, 3e-4, 1e-3) for epochs in (2, 4)]
    assert [note.split()[3] for note in edges(settings, 5)] == [RATE]
