"""No data file causes a traceback: 400 damaged files here, any number in benchmarks/fuzz_files.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sources import fuzzing

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS, EACH = 8, 50


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_damaged_file_is_read_or_refused_in_a_line(block: int, tmp_path: Path) -> None:
    outcomes = [
        fuzzing.outcome(fuzzing.case(seed), tmp_path / str(seed)) for seed in range(block * EACH, (block + 1) * EACH)
    ]
    assert "read" in outcomes
    assert set(outcomes) > {"read"}
