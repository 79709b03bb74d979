"""The grid of methods, architectures and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.methods._matrix import MEANING, Matrix, load, render
from pefbench.registry import names
from tests.grid import attempt, cell, heads, write_base
from tests.tiny import EVERY

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


@pytest.mark.parametrize("architecture", EVERY)
@pytest.mark.parametrize("method", names("method"))
def test_every_cell_works_or_is_refused(
    method: str, architecture: str, bases: Callable[[Cell], Path], tmp_path: Path
) -> None:
    said = GRID["refused"].get(method, {}).get(architecture, {})
    found = {}
    for head in GRID["heads"][architecture]:
        chosen = cell(architecture, head)
        found[head] = attempt(method, chosen, bases(chosen), tmp_path / head)
    assert {head: why for head, why in found.items() if why} == said
