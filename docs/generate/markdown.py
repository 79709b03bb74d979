"""Markdown from what the code says of itself: docstrings, tables, anchors."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CODE = re.compile(r"(`[^`]+`)")
MARKS = re.compile(r"([*_\[\]~$])")


def prose(docstring: str) -> str:
    r"""A docstring as Markdown: double backticks are code, other marks are characters, indented blocks are code.

    >>> prose("W x + b * d of ``x_1``::\n\n    a * b")
    'W x + b \\* d of `x_1`:\n\n    a * b'
    """
    lines = []
    for line in docstring.replace("``", "`").splitlines():
        if line.startswith("    "):
            lines.append(line)
        elif line.strip() != "::":
            lines.append(inline(re.sub(r"::$", ":", line)))
    return "\n".join(lines)


def inline(text: str) -> str:
    r"""A line as Markdown: what stands between backticks is code, every other mark is a character.

    >>> inline("`a_b` is b * c_d")
    '`a_b` is b \\* c\\_d'
    """
    parts = CODE.split(text.replace("``", "`"))
    return "".join(part if part.startswith("`") and len(part) > 1 else _characters(part) for part in parts)


def _characters(text: str) -> str:
    return MARKS.sub(r"\\\1", escape(text, quote=False))


def cell(text: str) -> str:
    """Text for a table's cell, on one line."""
    return inline(" ".join(text.split())).replace("|", "\\|")


def code(text: str, anchor: str | None = None) -> str:
    """A name as code for a table's cell; with an anchor, links and tests find it."""
    name = f' id="{escape(anchor)}"' if anchor else ""
    return f"<code{name}>{escape(text, quote=False).replace('|', '&#124;').replace('*', '&#42;')}</code>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, *blocks: str) -> str:
    """A page: its title and its blocks, without the empty ones."""
    return "\n\n".join([f"# {title}", *(block for block in blocks if block)]) + "\n"
