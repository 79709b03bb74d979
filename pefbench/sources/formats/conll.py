"""CoNLL columns: one token per line, a blank line between sentences.

Tabs separate the columns when the first line with data has a tab, else runs of spaces do; its number of columns is the
file's. In a tab file a token may be or contain a space; a no-break space never separates. Lines of documents, such as
``-DOCSTART-``, are skipped, and so are comments between sentences, as ``# `` in CoNLL-U, unless such a line has the
file's number of columns: then ``#`` is its token. A row says which document its sentence is from.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.errors import DataError, counted
from pefbench.sources import marked_documents
from pefbench.sources.blocks import in_blocks
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.sources.rows import BadRows

DOCUMENT = ("-DOCSTART-", "-docstart-", "#begin document", "#end document", "###MEDLINE:")
"""How lines begin that mark documents, in CoNLL-2003 (also in lower-cased copies), OntoNotes and JNLPBA."""
COMMENTS = ("# ", "#\t")  # of CoNLL-U, and of GermEval
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*:(?=.)")
LOOKED_AT = 1000
"""How many lines of a ``.tsv`` file are checked for its layout."""
NOTE = "columns without a header, as in CoNLL files; blank lines separate sentences"


def read_conll(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per sentence, with columns "0", "1", ... A line with another number of columns makes a bad row."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    first = next((line for line in lines if not _is_gap(line) and not _is_comment(line)), None)
    if first is None:
        return Rows((), [])
    tabbed = "\t" in first
    width = len(_fields(first, tabbed=tabbed))
    document = marked_documents.names(lines, lambda line: line.startswith(DOCUMENT))
    rows: list[Row] = []
    sentence: list[Sequence[str]] = []
    spoilt = False
    for number, line in enumerate([*lines, ""], start=1):
        if _is_gap(line):
            if sentence and not spoilt:
                begin = number - len(sentence)
                rows.append(_row(sentence, file, begin, document(begin)))
            sentence, spoilt = [], False
            continue
        fields = _fields(line, tabbed=tabbed)
        if len(fields) == width:
            sentence.append(fields)
        elif not spoilt and (sentence or not _is_comment(line)):
            bad(DataError(_wrong_width(f"{file}:{number}", line, len(fields), width, tabbed=tabbed)))
            spoilt = True
    return _without_language(Rows(tuple(map(str, range(width))), rows))


def _without_language(table: Rows) -> Rows:
    """The table without the language prefix, such as ``en:``, of every token in WikiANN's own files."""
    tokens = [token for row in table.rows for token in row.values["0"]]
    found = LANGUAGE.match(tokens[0]) if tokens else None
    if found is None or not all(token.startswith(found[0]) for token in tokens):
        return table
    rows = [
        replace(row, values=row.values | {"0": [token.removeprefix(found[0]) for token in row.values["0"]]})
        for row in table.rows
    ]
    return replace(table, rows=rows, notes=(*table.notes, f"{found[0]} before every token, the language, is left out"))


def are_columns(lines: Iterable[str]) -> bool:
    """Whether the first lines of a ``.tsv`` file are CoNLL columns rather than a table with a header.

    This is the case if there are blank lines between them and other lines end in the same tag as the first one.
    """
    gaps = False
    found: list[list[str]] = []
    for line in itertools.islice(lines, LOOKED_AT):
        if not line.strip():
            gaps = gaps or bool(found)
        elif not _is_comment(line) and not line.startswith(DOCUMENT):
            found.append(_fields(line.rstrip("\r\n"), tabbed=True))
    if not gaps or len(found[0]) < 2:
        return False
    return all(len(fields) == len(found[0]) for fields in found) and found[0][-1] in [each[-1] for each in found[1:]]


def _is_gap(line: str) -> bool:
    return not line.strip() or line.startswith(DOCUMENT)


def _is_comment(line: str) -> bool:
    return line == "#" or line.startswith(COMMENTS)


def _fields(line: str, *, tabbed: bool) -> list[str]:
    return line.split("\t") if tabbed else [field for field in line.split(" ") if field]


def _row(sentence: Sequence[Sequence[str]], file: str, line: int, document: str) -> Row:
    values = {str(i): list(column) for i, column in enumerate(zip(*sentence, strict=True))}
    return Row(values, file, line, line_a_token=True, document=document)


def _wrong_width(where: str, line: str, found: int, width: int, *, tabbed: bool) -> str:
    separator = "tabs" if tabbed else "spaces"
    return f"{where}: {counted(found, 'column')}, but the file has {width} (separated by {separator}): {line[:60]!r}"


def _read_tsv(text: str, file: str, bad: BadRows) -> Rows:
    found = read_conll(text, file, bad)
    return replace(found, notes=(NOTE, *found.notes))


READER = TextReader(read_conll, stream=in_blocks(read_conll, ends=lambda line: not line.strip()))
IN_TSV = replace(READER, read=_read_tsv)
"""Reads such columns in a file with a table's suffix: see `are_columns`."""
