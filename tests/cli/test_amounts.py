from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.cli.amounts import DURATIONS, SIZES, duration, size
from pefbench.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GiB", 8 * 2**30), ("50MB", 50_000_000), ("1.5 kB", 1500), ("512B", 512), ("0.5TiB", 2**39)],
)
def test_sizes(text: str, expected: float) -> None:
    assert size(text, "--max-memory") == expected


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("20min", 1200), ("1.5 h", 5400)])
def test_durations(text: str, expected: float) -> None:
    assert duration(text, "--max-train-time") == expected


@pytest.mark.parametrize(
    "text", ["", "8", "GiB", "8gib", "8Gb", "8 G", "-8GB", "8,5GB", "0MB", "1e3MB", "8GB ", "nanMB"]
)
def test_what_is_no_size_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(
        UserError, match=r"--max-memory .*: should be a number above 0 with a unit, as in 8GiB"
    ) as caught:
        size(text, "--max-memory")
    assert "KiB, MiB, GiB" in str(caught.value)


@given(st.floats(0.01, 1e6), st.sampled_from([*SIZES]), st.sampled_from([*DURATIONS]))
def test_amounts_scale_by_their_unit(number: float, unit: str, time: str) -> None:
    text = f"{number:.2f}"
    assert size(f"{text}{unit}", "x") == float(text) * SIZES[unit]
    assert duration(f"{text} {time}", "x") == float(text) * DURATIONS[time]
