"""Longformer and LED see the whole text from its first token, and from every token of a question."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pefbench.heads import forward
from pefbench.heads._global_attention import global_attention
from tests import tiny

PAD, START, END = tiny.PAD, tiny.START, tiny.END
SINGLE = [START, 9, 8, END, PAD, PAD, PAD, PAD]
PAIR = [START, 9, 8, END, END, 7, 6, END]
LEFT = [PAD, PAD, START, 9, END, 7, 6, END]
NO_END = [START, 9, 8, 7, 6, 5, PAD, PAD]
ROWS = torch.tensor([SINGLE, PAIR, LEFT, NO_END])


def batch() -> dict[str, torch.Tensor]:
    return {"input_ids": ROWS, "attention_mask": (ROWS != PAD).long()}


@pytest.mark.parametrize("architecture", ["longformer", "led"])
def test_the_first_token_and_the_question_are_global(architecture: str) -> None:
    model = tiny.model(architecture)
    [mask] = global_attention(model, batch()).values()
    assert mask.tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert global_attention(tiny.model("bert"), batch()) == {}


@pytest.mark.parametrize("architecture", ["longformer", "led"])
def test_the_model_is_given_it(architecture: str) -> None:
    model: Any = tiny.model(architecture)
    given = batch() | ({"decoder_input_ids": ROWS[:, :3]} if architecture == "led" else {})
    with torch.no_grad():
        found = forward(model, given).logits
        expected = model(**given, **global_attention(model, given)).logits
        without = model(**given).logits
    assert torch.equal(found, expected)
    assert (found - without).abs().max() > 1e-6


def test_a_far_token_reaches_the_first_one_only_with_it() -> None:
    """With a window of 4 in two layers, the first token sees 4 tokens further; by the global mask, all."""
    model: Any = tiny.sequence_classifier("longformer")
    far = torch.full((2, 24), 9)
    far[:, 0], far[:, -1] = START, END
    far[1, 15] = 20
    given = {"input_ids": far, "attention_mask": torch.ones_like(far)}
    with torch.no_grad():
        one, other = forward(model, given).logits
        assert not torch.equal(one, other)
        states = model.longformer(**given, global_attention_mask=torch.zeros_like(far)).last_hidden_state
    torch.testing.assert_close(states[0, 0], states[1, 0], atol=0, rtol=0)
