"""Compacter in a process that has seen no other adapter of ours. What it computes: test_weight_methods."""

from __future__ import annotations

import subprocess
import sys

from pefbench.paths import PROJECT, child_environment

CODE = """
import pefbench.trial.run
from pefbench.methods.compacter import Compacter
from tests import tiny
print(type(Compacter(name="compacter", reduction_factor=2).apply(tiny.model("bert"), "TOKEN_CLS")).__name__)
"""


def test_it_registers_with_peft_what_it_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=child_environment(), cwd=PROJECT, check=False
    )
    assert done.stdout.strip() == "PeftModelForTokenClassification", done.stderr
