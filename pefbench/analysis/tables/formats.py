"""Cells of text as a table in plain text, Markdown or LaTeX; raw rows as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pefbench.analysis.tables.marks import as_latex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABULATE = {"text": "simple", "markdown": "pipe", "latex": "latex_booktabs"}
FORMATS = (*TABULATE, "csv", "json")
_LEFT = {"Task", "Model", "Recipe", "Method", "Settings", "Error", "split", "metric", "Data", "Precision", "Metric"}


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as CSV; without a newline at the end."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def grid(cells: Sequence[dict[str, str]], style: str) -> str:
    """Set rows of text as a table; a column that is empty in every row is left out."""
    from tabulate import tabulate

    titles = [title for title in cells[0] if any(row[title] for row in cells)]
    # tabulate escapes for LaTeX, but a bar in a cell would end it in Markdown.
    body = [[_cell(row[title], style) for title in titles] for row in cells]
    align = ["left" if title in _LEFT else "right" for title in titles]
    content = tabulate(body, titles, tablefmt=TABULATE[style], colalign=align, disable_numparse=True)
    return as_latex(content) if style == "latex" else content


def _cell(text: str, style: str) -> str:
    # tabulate escapes for LaTeX only; in Markdown a bar would end the cell and <...> would vanish as a tag.
    return text.replace("|", r"\|").replace("<", "&lt;") if style == "markdown" else text


def escaped(text: str, style: str) -> str:
    """Text outside a table: escaped in LaTeX."""
    if style != "latex":
        return text
    from tabulate import LATEX_ESCAPE_RULES

    rules = {**LATEX_ESCAPE_RULES, "|": r"\textbar{}"}
    return "".join(rules.get(character, character) for character in text)
