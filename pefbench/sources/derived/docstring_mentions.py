"""Sentences from docstrings, with the kinds of names that each mentions (class, function, method, ...).

The sentences are those of `docstring_entities`, from a folder of Python files, such as a package in a wheel, which is
never imported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.sources.derived.docstring_entities import sure_sentences, tokens_of
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "labels", "package")


def read_mentions(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per sentence, with the columns text, labels and package (the folder's name).

    labels: the kinds of the names that the authors marked in the sentence, sorted; often none or several. The text is
    one line without markup; `docstring_entities` describes which sentences are read.
    """
    rows = []
    for row, sentence in sure_sentences(folder, name, bad):
        if tokens_of(sentence) is not None:
            kinds = sorted({mention.kind for mention in sentence.mentions})
            rows.append(replace(row, values={"text": " ".join(sentence.text.split()), "labels": kinds, **row.values}))
    return Rows(COLUMNS, rows)


READER = FolderReader(read_mentions)
