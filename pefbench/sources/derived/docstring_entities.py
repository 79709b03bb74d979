"""Sentences from docstrings, with names of classes, functions, methods, attributes and modules tagged.

Reads a folder of Python files, such as a package in a wheel, which is never imported. Tests in the folder are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.sources.derived._inline_markup import MENTION, Mention, Plain, plain
from pefbench.sources.derived._prose import SENTENCE_END, paragraphs
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows

TOKEN = re.compile(r"\w+(?:\.\w+)*|(?<=\w)['’]\w+|\S")
SENTENCE = re.compile(r"[\"'(]?(?:[^\W\d].*[.!?:][\"')]?|[A-Z].*\w)", re.DOTALL)
SHORTEST, LONGEST = 4, 60
COLUMNS = ("tokens", "tags", "package")


def read_entities(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per sentence, with the columns tokens, tags (IOB2) and package (the folder's name).

    The labels are the authors' own Sphinx roles: ``:class:`` and ``:exc:`` (class), ``:func:`` (function), ``:meth:``
    (method), ``:attr:`` (attribute), ``:mod:`` (module). All markup is removed, so that only the words are left. Tokens
    are words, dotted names and single marks.

    Without any role, nothing is known about a docstring's words; therefore only docstrings with a mention are read, but
    all their sentences of 4 to 60 tokens. A sentence is left out if its labels or words are doubtful: by `plain`, or
    because a literal in double backticks is a name that a role marks elsewhere in the package. Other literals are plain
    words.
    """
    found = ((row, _tagged(sentence)) for row, sentence in sure_sentences(folder, name, bad))
    return Rows(COLUMNS, [replace(row, values=row.values | values) for row, values in found if values])


def sure_sentences(folder: Path, name: str, bad: BadRows) -> Iterator[tuple[Row, Plain]]:
    """The sentences whose mentions are certain, each with a row that so far has only the package."""
    found = list(_sentences(folder, name, bad))
    marked = {sentence.text[one.start : one.end] for _, sentence in found for one in sentence.mentions}
    for row, sentence in found:
        if not sentence.unclear and not any(text.removesuffix("()") in marked for _, text in sentence.literals):
            yield row, sentence


def _sentences(folder: Path, name: str, bad: BadRows) -> Iterator[tuple[Row, Plain]]:
    """The sentences of docstrings with a mention, each with a row that so far has only the package."""
    for docstring in docstrings(folder, name, bad, MENTION):
        found = [(line, plain(paragraph)) for line, paragraph in paragraphs(docstring.text)]
        if any(paragraph.mentions for _, paragraph in found):
            for line, paragraph in found:
                row = Row({"package": folder.name}, docstring.file, docstring.line + line)
                yield from ((row, sentence) for sentence in _split(paragraph))


def _split(paragraph: Plain) -> Iterator[Plain]:
    """A paragraph's sentences. Each begins with a letter and ends with a mark, or begins with a capital."""
    ends = [match.end() for match in SENTENCE_END.finditer(paragraph.text)]
    for start, end in zip([0, *ends], [*ends, len(paragraph.text)], strict=True):
        if SENTENCE.fullmatch(paragraph.text[start:end].strip()):
            yield _part(paragraph, start, end)


def _part(paragraph: Plain, start: int, end: int) -> Plain:
    return Plain(
        paragraph.text[start:end],
        tuple(Mention(m.start - start, m.end - start, m.kind) for m in paragraph.mentions if start <= m.start < end),
        tuple(at - start for at in paragraph.unclear if start <= at < end),
        tuple((at - start, text) for at, text in paragraph.literals if start <= at < end),
    )


def tokens_of(sentence: Plain) -> list[re.Match[str]] | None:
    """A sentence's tokens; None if there are too few or too many."""
    tokens = list(TOKEN.finditer(sentence.text))
    return tokens if SHORTEST <= len(tokens) <= LONGEST else None


def _tagged(sentence: Plain) -> dict[str, list[str]] | None:
    """Tokens and tags; None if there are too few or too many tokens, or two mentions share a token."""
    tokens = tokens_of(sentence)
    if tokens is None:
        return None
    tags = ["O"] * len(tokens)
    for mention in sentence.mentions:
        inside = [at for at, token in enumerate(tokens) if token.start() < mention.end and token.end() > mention.start]
        if any(tags[at] != "O" for at in inside):
            return None
        for place, at in enumerate(inside):
            tags[at] = f"{'I' if place else 'B'}-{mention.kind}"
    return {"tokens": [token[0] for token in tokens], "tags": tags}


READER = FolderReader(read_entities)
