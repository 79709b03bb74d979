"""Summaries from docstrings: the first line of a long docstring summarises the rest.

PEP 257, "Multi-line Docstrings": a summary line, a blank line, and a more elaborate description.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.sources.derived._inline_markup import plain
from pefbench.sources.derived._prose import paragraphs
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows
from pefbench.sources.splitting import normalise

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.derived._python_files import Docstring
    from pefbench.sources.rows import BadRows

COLUMNS = ("document", "summary", "package")
LONG = re.compile(r"\n[ \t\r]*\n[ \t]*\S")
"""A docstring with more than one paragraph."""
SENTENCE = re.compile(r"[A-Z`][^\n]*[.!?]")
SHORTEST_SUMMARY, SHORTEST_DOCUMENT = 4, 40
"""The fewest words of a summary and of a document."""


def read_summaries(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per docstring, with the columns document, summary and package (the folder's name).

    The summary is the first paragraph, without markup, if it is a single line and a sentence; the document is the
    running text of all other paragraphs, one per line. A docstring is left out if either is too short, its words may
    differ from what a reader sees, or the document contains the summary. Within a package, each summary and each
    document is read once: functions that share either are mostly copies.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    for docstring in docstrings(folder, name, bad, LONG):
        found = _read(docstring)
        keys = set(map(normalise, found)) if found else set()
        if found and not keys & seen:
            seen |= keys
            values = dict(zip(COLUMNS, (*found, folder.name), strict=True))
            rows.append(Row(values, docstring.file, docstring.line))
    return Rows(COLUMNS, rows)


def _read(docstring: Docstring) -> tuple[str, str] | None:
    """A docstring's document and summary; None if it lacks either."""
    first, _, rest = docstring.text.partition("\n\n")
    summary = plain(first.strip())
    body = [plain(paragraph) for _, paragraph in paragraphs(rest)]
    if not SENTENCE.fullmatch(summary.text) or summary.unclear or any(each.unclear for each in body):
        return None
    document = "\n".join(each.text for each in body)
    if len(summary.text.split()) < SHORTEST_SUMMARY or len(document.split()) < SHORTEST_DOCUMENT:
        return None
    return None if normalise(summary.text) in normalise(document) else (document, summary.text)


READER = FolderReader(read_summaries)
