"""Oversized allocations are refused in advance, and all others succeed as before."""

from __future__ import annotations

import time

import pytest
import torch

from pefbench.errors import MethodError
from pefbench.methods.lora import Lora
from pefbench.models import memory
from tests import tiny


def test_what_fits_is_made_with_the_same_numbers() -> None:
    torch.manual_seed(0)
    expected = torch.nn.Linear(7, 5).weight, torch.randn(3, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    with memory.limit("this", 7 * 5 * 4 + 5 * 4 + 3 * 4):
        made = torch.nn.Linear(7, 5).weight, torch.randn(3, generator=torch.Generator().manual_seed(1))
    assert all(torch.equal(one, other) for one, other in zip(made, expected, strict=True))


def test_the_sum_counts_and_nothing_is_allocated_for_what_does_not_fit() -> None:
    said = r"^this needs more than 120 B of memory, but may use only 100 B; reduce its sizes$"
    with memory.limit("this", 100):
        torch.zeros(10)
        torch.zeros(10)
        with pytest.raises(MethodError, match=said):
            torch.zeros(10)
    with pytest.raises(MethodError), memory.limit("this", 2**40):
        torch.empty(2**50)


def test_a_mistyped_rank_is_refused_at_once() -> None:
    base = tiny.token_classifier("bert", hidden_size=512, num_attention_heads=2)
    started = time.perf_counter()
    with pytest.raises(MethodError, match=r"^method lora needs more than"):
        Lora(name="lora", rank=100_000_000).apply(base, "TOKEN_CLS")
    assert time.perf_counter() - started < 10
