"""The matrix of methods, architectures and heads: what works, and why the rest is refused.

tests/write_matrix.py writes `_matrix.json` from tiny models (`make matrix`); tests check a sample of it.
"""

from __future__ import annotations

import json
from typing import TypedDict

from pefbench.paths import PACKAGE

FILE = PACKAGE / "methods" / "_matrix.json"
LETTERS = {"sequence": "S", "token": "T", "span": "Q", "choice": "C", "generation": "G"}
MEANING = (
    "S sequence, T token, Q span (question answering), C choice, G generation; - is refused before training, "
    ". has no such head in transformers"
)


class Matrix(TypedDict):
    """The content of `_matrix.json`."""

    heads: dict[str, list[str]]
    """Architecture -> the heads that it has."""
    refused: dict[str, dict[str, dict[str, str]]]
    """Method -> architecture -> head -> why it is refused. Combinations not listed here work."""
    methods: list[str]


def load() -> Matrix:
    """Load the matrix."""
    matrix: Matrix = json.loads(FILE.read_text(encoding="utf8"))
    return matrix


def render(matrix: Matrix) -> str:
    """The matrix as text, with one row per method and the reasons below."""
    from tabulate import tabulate

    rows = [
        [
            method,
            *(_cell(heads, matrix["refused"].get(method, {}).get(name, {})) for name, heads in matrix["heads"].items()),
        ]
        for method in matrix["methods"]
    ]
    grid = tabulate(rows, ["method", *matrix["heads"]], tablefmt="simple", disable_numparse=True)
    return "\n\n".join(filter(None, [grid, MEANING, _reasons(matrix)]))


def _cell(heads: list[str], refused: dict[str, str]) -> str:
    marks = [("-" if head in refused else letter) if head in heads else "." for head, letter in LETTERS.items()]
    return "".join(marks)


def _reasons(matrix: Matrix) -> str:
    """Each reason once, with its cells: method, then architecture (heads)."""
    where: dict[str, dict[str, dict[str, list[str]]]] = {}
    for method, architectures in matrix["refused"].items():
        for name, heads in architectures.items():
            for head, reason in heads.items():
                where.setdefault(reason, {}).setdefault(method, {}).setdefault(name, []).append(head)
    lines = []
    for reason, methods in where.items():
        cells = [f"{method} on {_places(places, matrix)}" for method, places in methods.items()]
        lines.append(f"- {'; '.join(cells)}: {reason}")
    return "\n".join(lines)


def _places(places: dict[str, list[str]], matrix: Matrix) -> str:
    """Architectures, with their heads if only some of them are meant."""
    return ", ".join(
        name if len(heads) == len(matrix["heads"][name]) else f"{name} ({', '.join(heads)})"
        for name, heads in places.items()
    )
