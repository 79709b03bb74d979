"""The list of patches names every file of the folder, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from pefbench.models import patches


def test_every_patch_is_listed() -> None:
    listed = re.findall(r"^    (\w+)  +\w", patches.__doc__ or "", re.MULTILINE)
    there = {file.stem for file in Path(patches.__path__[0]).glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(there)
