"""Interpreters that have only imported libraries, each started once per worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.forked import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

BELOW_PEFT = (
    *("torch", "transformers.modeling_utils", "transformers.models.bloom.modeling_bloom"),
    *("accelerate", "bitsandbytes"),
)
"""The modules that take most of the time to import PEFT."""


@pytest.fixture(scope="session")
def with_models() -> Iterator[Interpreter]:
    """An interpreter that has imported torch and our models."""
    with Interpreter("torch", "pefbench.models", options=["-W", "error::RuntimeWarning"]) as interpreter:
        yield interpreter


@pytest.fixture(scope="session")
def below_peft() -> Iterator[Interpreter]:
    """An interpreter that has imported what PEFT imports, but neither PEFT nor pefbench."""
    with Interpreter(*BELOW_PEFT) as interpreter:
        yield interpreter
