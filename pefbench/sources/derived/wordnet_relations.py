"""Relations between a noun and a word of its definition, from WordNet's nouns and their pointers.

A sentence is a noun, a colon and its definition; its two marked spans are the noun and one word of the definition.
Their relation is given by WordNet's own pointers (Fellbaum 1998, "WordNet: An Electronic Lexical Database", chapter 1;
the symbols are those of wninput(5)), named with a direction as in SemEval-2010 task 8.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pefbench.sources.folders import member
from pefbench.sources.formats.wordnet import definition, read_wordnet
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label", "first", "second", "synset")
OTHER = "Other"
RELATIONS = {
    "@": ("Hyponym-Hypernym", True),
    "@i": ("Instance-Class", True),
    "#p": ("Part-Whole", True),
    "%p": ("Part-Whole", False),
    "#m": ("Member-Group", True),
    "%m": ("Member-Group", False),
    "#s": ("Substance-Whole", True),
    "%s": ("Substance-Whole", False),
}
"""A pointer's symbol -> the relation, and whether the defined noun comes first in its name."""
EACH = 1000
"""The most sentences for each relation, and for none."""
POINTER = re.compile(r" (?P<symbol>\S{1,2}) (?P<target>\d{8}) n 0000(?!\S)")
WORD = re.compile(r"(?<![\w'-])[A-Za-z]{3,}(?![\w'-])")
NO_NOUNS = frozenset({"are", "being", "does", "how", "may", "might", "while", "who", "why"})
"""Words that are only nouns in WordNet (who: an organisation) but not in definitions."""

Related = dict[str, set[str]]


class Noun(NamedTuple):
    """A set of synonyms. definition: its gloss without examples. pointers: symbols and sets."""

    row: Row
    words: list[str]
    definition: str
    pointers: list[tuple[str, str]]


class Pair(NamedTuple):
    """A noun and a word of its definition, `start` to `end` (characters). relation: its name, or OTHER."""

    noun: Noun
    start: int
    end: int
    relation: str
    forward: bool

    def order(self) -> bytes:
        """A hash by which sentences are drawn."""
        return hashlib.sha256(f"{self.noun.words[0]}: {self.noun.definition}".encode()).digest()


def read_wordnet_relations(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per noun, with its text, label, first and second (characters), and the set of synonyms.

    The marked spans are the noun and a word of its definition that has at least three letters and is only a noun in
    WordNet. Their relation must be direct. A word without a relation must not be an indirect hypernym in any sense,
    either, nor at the other end of any pointer; words in between, and words with several relations, are not marked. For
    a quarter of the nouns, a word without a relation is drawn; the others show their rarest relation; at most `EACH`
    sentences of a relation are kept. Which of the spans comes first is also drawn, all by a hash of the text. Of nouns
    with equal definitions, the first is read. Raises SourceError or DataError.
    """
    lines = member(folder, name, "data.noun")[0].split("\n")
    rows = read_wordnet(folder, name, bad).rows
    nouns = {row.values["synset"]: _noun(row, lines) for row in rows if row.values["part"] == "noun"}
    only = _words(rows, nouns=True) - _words(rows, nouns=False) - NO_NOUNS
    once = {noun.definition.casefold(): noun for noun in reversed(nouns.values())}
    by_relation = defaultdict(list)
    for noun in once.values():
        if pair := _drawn(list(_pairs(noun, nouns, only))):
            by_relation[pair.relation].append(pair)
    kept = [pair for same in by_relation.values() for pair in sorted(same, key=Pair.order)[:EACH]]
    return Rows(COLUMNS, [_row(pair) for pair in sorted(kept, key=lambda pair: pair.noun.row.line)])


def _noun(row: Row, lines: Sequence[str]) -> Noun:
    before = lines[row.line - 1].partition("|")[0]
    pointers = [(found["symbol"], f"{found['target']}-n") for found in POINTER.finditer(before)]
    return Noun(row, row.values["words"], definition(row.values["gloss"]), pointers)


def _words(rows: Sequence[Row], *, nouns: bool) -> set[str]:
    return {word.casefold() for row in rows if (row.values["part"] == "noun") is nouns for word in row.values["words"]}


def _pairs(noun: Noun, nouns: Mapping[str, Noun], only: set[str]) -> Iterator[Pair]:
    """The noun paired with each word of its definition that has exactly one direct relation to it, or none at all."""
    direct: Related = defaultdict(set)
    for symbol, target in noun.pointers:
        for related in nouns[target].words if target in nouns else ():
            direct[related.casefold()].add(symbol)
    somehow = _above(noun, nouns) | direct.keys() | {word.casefold() for word in noun.words}
    seen = set()
    for match in WORD.finditer(noun.definition):
        word = _singular(match[0].casefold(), only)
        if word is None or word in seen:
            continue
        seen.add(word)
        symbols = direct.get(word, set())
        if len(symbols) == 1 and (symbol := min(symbols)) in RELATIONS:
            yield Pair(noun, *match.span(), *RELATIONS[symbol])
        elif word not in somehow:
            yield Pair(noun, *match.span(), OTHER, forward=True)


def _singular(word: str, only: set[str]) -> str | None:
    """A word's noun in the singular; None if it is not a noun, such as ``does``."""
    found = (each for each in (word, word.removesuffix("s")) if each in only and len(each) > 2)
    return None if word in NO_NOUNS else next(found, None)


def _above(noun: Noun, nouns: Mapping[str, Noun]) -> set[str]:
    """The words of all direct and indirect hypernyms."""
    words, pending, seen = set(), [noun], set()
    while pending:
        for symbol, target in pending.pop().pointers:
            if symbol in {"@", "@i"} and target in nouns and target not in seen:
                seen.add(target)
                pending.append(nouns[target])
                words |= {word.casefold() for word in nouns[target].words}
    return words


def _drawn(pairs: Sequence[Pair]) -> Pair | None:
    """One of a noun's pairs: without a relation for a quarter of the nouns, otherwise of its rarest relation."""
    if not pairs:
        return None
    rank = {relation: place for place, (relation, _) in enumerate(RELATIONS.values())}
    order = pairs[0].order()
    related = [pair for pair in pairs if pair.relation != OTHER]
    others = [pair for pair in pairs if pair.relation == OTHER]
    if others and order[0] % 4 == 0:
        return others[order[1] % len(others)]
    return max(related, key=lambda pair: rank[pair.relation]) if related else None


def _row(pair: Pair) -> Row:
    """A sentence, with its spans in an order that reveals nothing, and the label with the direction in that order."""
    noun = pair.noun
    text = f"{noun.words[0]}: {noun.definition}"
    at = len(text) - len(noun.definition)
    spans = [[0, len(noun.words[0])], [at + pair.start, at + pair.end]]
    swapped = bool(pair.order()[2] % 2)
    direction = "(e1,e2)" if pair.forward is not swapped else "(e2,e1)"
    first, second = reversed(spans) if swapped else spans
    label = pair.relation if pair.relation == OTHER else pair.relation + direction
    values = {"text": text, "label": label, "first": first, "second": second, "synset": noun.row.values["synset"]}
    return Row(values, noun.row.file, noun.row.line)


READER = FolderReader(read_wordnet_relations)
