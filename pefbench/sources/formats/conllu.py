"""CoNLL-U: one token per line with ten columns, as in the Universal Dependencies treebanks.

The columns are those of https://universaldependencies.org/format.html, each a list with one value per word. A word of
several syntactic words occurs twice, as the range ``1-2`` and as its parts; the parts are read, since they have the
tags. Ranges, empty nodes (``8.1``) and comments are left out. ``# newdoc`` begins a document.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources import marked_documents
from pefbench.sources.blocks import in_blocks
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
WORD = re.compile(r"\d+", re.ASCII)
DOCUMENT = re.compile(r"#\s*newdoc\b")
LEFT_OUT = re.compile(r"\d+[-.]\d+", re.ASCII)

Line = tuple[int, list[str]]


def read_conllu(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per sentence. A line that is not CoNLL-U makes its sentence a bad row."""
    rows: list[Row] = []
    words: list[Line] = []
    spoilt = False
    lines = text.split("\n")
    document = marked_documents.names(lines, lambda line: DOCUMENT.match(line) is not None)
    for number, line in enumerate([*lines, ""], start=1):
        fields = line.removesuffix("\r").split("\t")
        if not line.strip():
            if words and not spoilt:
                rows.append(_row(words, file, document(words[0][0])))
            words, spoilt = [], False
        elif line.startswith("#") or spoilt:
            continue
        elif len(fields) != len(COLUMNS) or not (WORD.fullmatch(fields[0]) or LEFT_OUT.fullmatch(fields[0])):
            wanted = f"{len(COLUMNS)} columns separated by tabs, the first a number"
            bad(DataError(f"{file}:{number}: CoNLL-U has {wanted}; this is {line[:60]!r}"))
            spoilt = True
        elif WORD.fullmatch(fields[0]):
            words.append((number, fields))
    return Rows(COLUMNS, rows)


def _row(words: list[Line], file: str, document: str) -> Row:
    columns = zip(*(fields for _, fields in words), strict=True)
    values = {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}
    together = all(after == before + 1 for (before, _), (after, _) in pairwise(words))
    return Row(values, file, words[0][0], line_a_token=together, document=document)


READER = TextReader(
    read_conllu, suffixes=(".conllu",), stream=in_blocks(read_conllu, ends=lambda line: not line.strip())
)
