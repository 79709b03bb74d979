"""Typesets cells as a table in plain text, Markdown or LaTeX, and raw rows as CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from pefbench.analysis.tables.marks import as_latex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABULATE = {"text": "simple", "markdown": "pipe", "latex": "latex_booktabs"}
FORMATS = (*TABULATE, "csv", "json")
_BREAK = re.compile(r"\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_EMPHASIS = re.compile(r"[*`]|(?<![^\W_])_|_(?![^\W_])")
_LEFT = {"Task", "Model", "Recipe", "Method", "Settings", "Error", "split", "metric", "Data", "Precision", "Metric"}


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as CSV; without a newline at the end."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def grid(cells: Sequence[dict[str, str]], style: str, *, described: int = 0) -> str:
    """Typeset rows of text as a table; a column that is empty in every row is left out.

    described: how many of the first rows describe the columns; these rows have no marks, and a line follows them.
    """
    from tabulate import SEPARATING_LINE, tabulate

    titles = [title for title in cells[0] if any(row[title] for row in cells)]
    # tabulate escapes for LaTeX, but a bar in a cell would end it in Markdown.
    body: list[list[str] | str] = [
        [_cell(row[title], style, is_words=title in _LEFT or place < described) for title in titles]
        for place, row in enumerate(cells)
    ]
    if described and style != "markdown":  # which would show the line as a row of dashes
        body.insert(described, SEPARATING_LINE)
    align = ["left" if title in _LEFT else "right" for title in titles]
    titles = [_cell(title, style, is_words=True) for title in titles]
    content = tabulate(body, titles, tablefmt=TABULATE[style], colalign=align, disable_numparse=True)
    return as_latex(content) if style == "latex" else content


def _cell(text: str, style: str, *, is_words: bool = False) -> str:
    """A cell. is_words: it has no marks of ours, so what Markdown would take for emphasis is escaped."""
    # tabulate escapes for LaTeX only; in Markdown a bar would end the cell and <...> would vanish as a tag.
    text = one_line(text)
    if style != "markdown":
        return text
    text = re.sub(r"\\(?=[^\w\s])" if is_words else r"\\(?=\|)", "&#92;", _in_markdown(text))
    return (_EMPHASIS.sub(r"\\\g<0>", text) if is_words else text).replace("|", r"\|")


def _in_markdown(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def escaped(text: str, style: str) -> str:
    """Text outside a table: on one line, and escaped in LaTeX and Markdown."""
    text = one_line(text)
    if style == "markdown":
        return _in_markdown(text)
    if style != "latex":
        return text
    from tabulate import LATEX_ESCAPE_RULES

    rules = {**LATEX_ESCAPE_RULES, "|": r"\textbar{}"}
    return "".join(rules.get(character, character) for character in text)


def one_line(text: str) -> str:
    """Text with line breaks as spaces and control characters (escapes, changes of text direction) in hex."""
    return _OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", _BREAK.sub(" ", text))


def _inert(value: object) -> object:
    """A value for CSV; text that a spreadsheet would read as a formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
