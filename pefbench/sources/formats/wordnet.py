"""WordNet's data files: sets of synonyms, each with a gloss and pointers to other sets.

Fellbaum 1998, "WordNet: An Electronic Lexical Database"; the format is wndb(5)'s, "Data File Format". Counts of words
are hexadecimal, those of pointers decimal; lines that begin with two spaces are the licence::

    00976953 04 n 03 foray 0 raid 0 maraud 0 001 @ 00975452 n 0000 | a sudden short attack
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError, SourceError
from pefbench.sources.folders import member
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("synset", "words", "gloss", "hypernyms", "part")
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}  # a file's suffix -> the letter that pointers use
HYPERNYM = frozenset({"@", "@i"})  # of a class, and of an instance
MARKER = re.compile(r"\((?:a|p|ip)\)$")  # an adjective's syntactic position; not part of the word

EXAMPLES = re.compile(r'[;:,]?\s*".*', re.DOTALL)


class Synset(NamedTuple):
    """One line. hypernyms: keys of the synsets to which it points, such as ``00001740-n``."""

    file: str
    number: int
    words: list[str]
    gloss: str
    hypernyms: list[str]
    part: str


def read_wordnet(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per synset in ``data.noun``, ``data.verb``, ``data.adj`` and ``data.adv``, if present.

    synset: offset and part of speech, ``00976953-n``; words: list[str] with spaces, in WordNet's order; gloss: the
    definition, then the examples in quotes; hypernyms: list[str], the words of all direct hypernym sets; part: noun,
    verb, adj or adv. Raises SourceError or DataError.
    """
    there = [part for part in PARTS if (folder / f"data.{part}").is_file()]
    if not there:
        raise SourceError(f"{name or folder.name}: should hold WordNet's data.noun, data.verb, data.adj or data.adv")
    synsets: dict[str, Synset] = {}
    for part in there:
        synsets |= _synsets(*member(folder, name, f"data.{part}"), part, bad)
    rows = []
    for key, synset in synsets.items():
        try:
            rows.append(_row(key, synset, synsets))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def definition(gloss: str) -> str:
    """A gloss without its examples, which would reveal the word."""
    return EXAMPLES.sub("", gloss).strip()


def _synsets(text: str, file: str, part: str, bad: BadRows) -> dict[str, Synset]:
    synsets = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.startswith("  ") and line.strip():
            try:
                synsets[f"{line[:8]}-{PARTS[part]}"] = _synset(line, file, number, part)
            except (ValueError, IndexError):
                bad(DataError(f"{file}:{number}: not a line of WordNet's data files: {line[:60]!r}"))
    return synsets


def _synset(line: str, file: str, number: int, part: str) -> Synset:
    """Parse a line. Raises ValueError or IndexError if it is malformed."""
    before, bar, gloss = line.partition("|")
    fields = before.split()
    after_words = 4 + 2 * int(fields[3], 16)
    words = [MARKER.sub("", word).replace("_", " ") for word in fields[4:after_words:2]]
    pointers = fields[after_words + 1 :][: 4 * int(fields[after_words])]
    whole = len(fields[0]) == 8 and fields[0].isdecimal() and len(pointers) == 4 * int(fields[after_words])
    if not whole or not words or not bar or not gloss.strip():
        raise ValueError(line)
    above = [f"{pointers[i + 1]}-{pointers[i + 2]}" for i in range(0, len(pointers), 4) if pointers[i] in HYPERNYM]
    return Synset(file, number, words, gloss.strip(), above, part)


def _row(key: str, synset: Synset, synsets: Mapping[str, Synset]) -> Row:
    above: Sequence[str] = synset.hypernyms
    if lost := [hypernym for hypernym in above if hypernym not in synsets]:
        raise DataError(f"{synset.file}:{synset.number}: the hypernym {lost[0]} is missing")
    hypernyms = [word for hypernym in above for word in synsets[hypernym].words]
    values = {"synset": key, "words": synset.words, "gloss": synset.gloss, "hypernyms": hypernyms, "part": synset.part}
    return Row(values, synset.file, synset.number)


READER = FolderReader(read_wordnet)
