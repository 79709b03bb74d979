"""Compacter in a process without our other adapters; test_weight_methods tests what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.forked import Interpreter

CODE = """
import pefbench.trial.run
from pefbench.methods.compacter import Compacter
from tests import tiny
print(type(Compacter(name="compacter", reduction_factor=2).apply(tiny.model("bert"), "TOKEN_CLS")).__name__)
"""


def test_it_registers_with_peft_what_it_needs(with_models: Interpreter) -> None:
    assert with_models.run(CODE) == "PeftModelForTokenClassification"
