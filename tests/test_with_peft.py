"""After `import pefbench` PEFT knows our adapters, and `import pefbench` imports neither PEFT nor torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

KNOWN = """
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as known
ours = sorted(str(kind.value) for kind, config in known.items() if config.__module__.startswith("pefbench."))
print(*ours)
"""
MODULES = "import sys, pefbench; print(*sorted({'peft', 'torch', 'numpy'} & {*sys.modules}))"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import pefbench" + KNOWN, "BOTTLENECK MAM"),
        ("import peft, pefbench" + KNOWN, "BOTTLENECK MAM"),
        ("import pefbench, pefbench.methods.bottleneck, pefbench.methods.mam" + KNOWN, "BOTTLENECK MAM"),
        (MODULES, ""),
    ],
)
def test_peft_knows_ours(code: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == said
