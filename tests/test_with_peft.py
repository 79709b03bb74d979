"""After `import pefbench` PEFT knows our adapters, and `import pefbench` imports neither PEFT nor torch."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.forked import Interpreter

KNOWN = """
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as known
ours = sorted(str(kind.value) for kind, config in known.items() if config.__module__.startswith("pefbench."))
from peft.tuners.boft import layer
print(*ours, layer._FBD_CUDA.__name__)
"""
MODULES = "import sys, pefbench; print(*sorted({'peft', 'torch', 'numpy'} & {*sys.modules}))"


@pytest.mark.parametrize(
    "code", ["pefbench", "peft, pefbench", "pefbench, pefbench.methods.bottleneck, pefbench.methods.mam"]
)
def test_peft_knows_ours(below_peft: Interpreter, code: str) -> None:
    assert below_peft.run(f"import {code}{KNOWN}").splitlines()[-1] == "BOTTLENECK MAM BlockDiagonal"


def test_neither_peft_nor_torch_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", MODULES], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
