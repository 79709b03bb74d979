"""Predicting: every example once, in the examples' order, alike lengths together."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pefbench.heads import Encoded
from pefbench.trial.predict import predict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALONE = SimpleNamespace(
    unwrap_model=lambda model, **_: model,
    process_index=0,
    num_processes=1,
    is_main_process=False,
    device="cpu",
    autocast=nullcontext,
)


class Prompts:
    """Answers with what it was asked; how long a prompt is, is said beside it, and has nothing to do with its row."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def prediction_lengths(self, encoded: Encoded) -> Any:
        return np.asarray([length for length, _ in encoded.decoding])

    def predict(self, model: Any, batch: Mapping[str, Any], decoding: Sequence[Any]) -> list[Any]:  # noqa: ARG002
        self.batches.append([length for length, _ in decoding])
        return [asked for _, asked in decoding]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=20), st.integers(1, 6))
def test_batches_are_sorted_by_what_is_predicted_from_and_answers_keep_their_order(
    lengths: list[tuple[int, int]], size: int
) -> None:
    encoded = Encoded(
        features={"input_ids": [np.arange(row) for row, _ in lengths]},
        targets=np.ones(len(lengths), dtype=np.int64),
        decoding=[(prompt, i) for i, (_, prompt) in enumerate(lengths)],
        padding={"input_ids": 0},
    )
    head = Prompts()
    found = predict(nn.Linear(1, 1), encoded, cast("Any", head), cast("Any", ALONE), batch_size=size, what="test")
    assert found == list(range(len(lengths)))
    asked = [length for batch in head.batches for length in batch]
    assert asked == sorted((prompt for _, prompt in lengths), reverse=True)
