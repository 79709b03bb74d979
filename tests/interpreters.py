"""Interpreters with libraries in them and nothing else done, each started once for all tests of a worker."""

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
"""What takes most of an import of PEFT."""


@pytest.fixture(scope="session")
def with_models() -> Iterator[Interpreter]:
    """Interpreters in which torch and our models are imported."""
    with Interpreter("torch", "pefbench.models", options=["-W", "error::RuntimeWarning"]) as interpreter:
        yield interpreter


@pytest.fixture(scope="session")
def below_peft() -> Iterator[Interpreter]:
    """Interpreters with what PEFT imports, and neither PEFT nor pefbench."""
    with Interpreter(*BELOW_PEFT) as interpreter:
        yield interpreter
