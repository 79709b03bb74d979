"""Docstrings as Markdown: special characters are escaped, and examples are code blocks."""

from __future__ import annotations

import doctest

from docs.generate import markdown


def test_the_examples() -> None:
    assert doctest.testmod(markdown).failed == 0


def test_marks_are_characters() -> None:
    assert markdown.inline("a < b * c") == r"a &lt; b \* c"


def test_a_bar_does_not_end_a_cell() -> None:
    assert markdown.cell("fp32 | bf16\nor auto") == r"fp32 \| bf16 or auto"
