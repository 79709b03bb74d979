"""The grid of methods, architectures and heads."""

from __future__ import annotations

from pefbench.matrix import MEANING, Matrix, render


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
