"""PubTator's format, as in BC5CDR and NCBI Disease: a title, an abstract, and entities by character offsets.

Wei et al. 2013, "PubTator: a web-based text mining tool for assisting biocuration", Nucleic Acids Research 41::

    2339463|t|Cerebral sinus thrombosis.
    2339463|a|Two women had it.
    2339463	0	25	Cerebral sinus thrombosis	Disease	D012851
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pefbench.errors import DataError, counted
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "entities")
PART = re.compile(r"(?P<document>[^|\t]+)\|(?P<part>[ta])\|(?P<text>.*)")
ENTITY = re.compile(
    r"[^\t]+\t(?P<start>\d{1,9})\t(?P<end>\d{1,9})\t(?P<text>[^\t]+)\t(?P<label>[^\t]+)(?:\t.*)?", re.ASCII
)
RELATION = re.compile(r"[^\t]+\t[^\t\d][^\t]*\t[^\t]+\t[^\t]+")
NOTE = "PubTator's titles with their abstracts"
Lines = Sequence[tuple[int, str]]


def fits(text: str) -> bool:
    """Whether a text begins with a title in PubTator's format."""
    match = PART.match(text.lstrip())
    return match is not None and match["part"] == "t"


def read_pubtator(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per document: title and abstract joined by a space, and a list of [start, end, type].

    Relations are counted but not read. A document is a bad row if an annotation's text differs from the text at its
    offsets.
    """
    lines = [(number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n"), start=1)]
    blocks = itertools.groupby(lines, key=lambda each: bool(each[1].strip()))
    documents = [list(block) for has_lines, block in blocks if has_lines]
    relations = sum(RELATION.fullmatch(line) is not None for document in documents for _, line in document)
    rows = []
    for document in documents:
        try:
            rows.append(_document(document, file))
        except DataError as error:
            bad(error)
    notes = (NOTE, *([f"not read: {counted(relations, 'relation')}"] if relations else []))
    return Rows(COLUMNS, rows, notes=notes)


def _document(lines: Lines, file: str) -> Row:
    """One document. Raises DataError."""
    first, *_ = lines
    parts = {match["part"]: match["text"] for _, line in lines[:2] if (match := PART.fullmatch(line))}
    if "t" not in parts:
        raise DataError(f"{file}:{first[0]}: a document should begin with its title, as in 12|t|Title")
    text = " ".join(parts[part] for part in ("t", "a") if part in parts)
    entities = [
        _entity(line, text, f"{file}:{number}") for number, line in lines[len(parts) :] if not RELATION.fullmatch(line)
    ]
    return Row({"text": text, "entities": entities}, file, first[0])


def _entity(line: str, text: str, where: str) -> list[int | str]:
    """An entity's offsets [start, end) and type. Raises DataError."""
    match = ENTITY.fullmatch(line)
    if match is None:
        raise DataError(
            f"{where}: should be a document, two numbers, the words and their type between tabs: {line[:60]!r}"
        )
    start, end = int(match["start"]), int(match["end"])
    if text[start:end] != match["text"]:
        raise DataError(
            f"{where}: {match['text'][:40]!r} is not the text at {start} to {end}: {text[start:end][:40]!r}"
        )
    return [start, end, match["label"]]


READER = TextReader(read_pubtator, fits=fits)
