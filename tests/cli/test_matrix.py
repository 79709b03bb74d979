"""The grid of methods, architectures and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.cli._matrix import MEANING, Matrix, load, render
from pefbench.registry import names
from tests.grid import attempt, cell, heads, sampled, sampled_heads, write_base
from tests.sampling import WHOLE
from tests.tiny import GRID as EVERY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.grid import Cell

GRID = load()


def test_the_grid_as_text() -> None:
    matrix: Matrix = {
        "heads": {"bert": ["sequence", "token"], "gpt2": ["generation"]},
        "methods": ["full", "prefix"],
        "refused": {"prefix": {"bert": {"token": "no cache"}, "gpt2": {"generation": "no cache"}}},
    }
    assert render(matrix).splitlines() == [
        "method    bert    gpt2",
        "--------  ------  ------",
        "full      ST...   ....G",
        "prefix    S-...   ....-",
        "",
        MEANING,
        "",
        "- prefix on bert (token), gpt2: no cache",
    ]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Cell], Path]:
    """Return a function that gives a cell's pretrained backbone, written once."""
    folder = tmp_path_factory.mktemp("bases")

    def base(cell: Cell) -> Path:
        path = folder / f"{cell.architecture}-{cell.head_name}"
        if not path.exists():
            write_base(cell, path)
        return path

    return base


def test_the_grid_has_every_method_and_architecture() -> None:
    assert GRID["methods"] == names("method")
    assert GRID["heads"] == {architecture: heads(architecture) for architecture in EVERY}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try a sample of the cells, another with each commit; `--grid all` tries them all, and `make matrix` does."""
    if "architecture" in metafunc.fixturenames:
        metafunc.parametrize(("method", "architecture"), sampled(names("method"), EVERY, metafunc.config.option.grid))


def test_a_sample_has_every_method_and_architecture_and_samples_have_every_cell() -> None:
    methods, whole = names("method"), sampled(names("method"), EVERY, WHOLE)
    samples = [sampled(methods, EVERY, str(seed)) for seed in range(200)]
    for cells in samples:
        assert len(cells) == len({*cells}) == 2 * len(methods)
        assert {method for method, _ in cells} == {*methods}
        assert {architecture for _, architecture in cells} == {*EVERY}
    assert sampled(methods, EVERY, "0") == samples[0] != samples[1]
    assert {cell for cells in samples for cell in cells} == {*whole}


def test_a_sample_of_heads_has_two_and_samples_have_all() -> None:
    there = ["sequence", "token", "span"]
    samples = [sampled_heads(there, str(seed)) for seed in range(50)]
    assert all(len({*tried}) == 2 for tried in samples)
    assert {head for tried in samples for head in tried} == {*there}
    assert sampled_heads(["generation"], "0") == ["generation"]
    assert sampled_heads(there, WHOLE) == there


def test_every_cell_works_or_is_refused(
    method: str, architecture: str, bases: Callable[[Cell], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    refused, seed = GRID["refused"].get(method, {}).get(architecture, {}), request.config.option.grid
    tried = sampled_heads(GRID["heads"][architecture], seed if seed == WHOLE else f"{seed} {method} {architecture}")
    for head in tried:
        chosen = cell(architecture, head)
        found = attempt(method, chosen, bases(chosen), tmp_path / head)
        assert found == refused.get(head), f"{head}; pytest --grid {seed}"
