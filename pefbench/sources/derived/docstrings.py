"""Data sets made of the docstrings of a folder of Python files, such as a package in a wheel, which is never imported.

`read_entities` makes sentences whose names of classes, functions, methods, attributes and modules are tagged;
`read_parameters` makes questions about the parameters of a function. Tests in the folder are left out. Both take the
folder, its name relative to the source ("" for the source itself) and what becomes of a file that is not Python.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.sources.derived._inline_markup import MENTION, Mention, Plain, plain
from pefbench.sources.derived._numpydoc import TITLE, parameters
from pefbench.sources.derived._prose import SENTENCE_END, paragraphs
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pefbench.sources.derived._numpydoc import Parameter
    from pefbench.sources.rows import BadRows

TOKEN = re.compile(r"\w+(?:\.\w+)*|(?<=\w)['’]\w+|\S")
SENTENCE = re.compile(r"[\"'(]?(?:[^\W\d].*[.!?:][\"')]?|[A-Z].*\w)", re.DOTALL)
SHORTEST, LONGEST = 4, 60
COLUMNS_OF_ENTITIES = ("tokens", "tags", "package")
COLUMNS_OF_QUESTIONS = ("question", "context", "answers", "package")
QUESTIONS = {
    "type": "What type is {}?",
    "default": "What is the default of {}?",
    "meaning": "What does {} mean?",
}


def read_entities(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row a sentence, with the columns tokens, tags (IOB2) and package (the folder's name).

    The authors' own Sphinx roles are the labels: ``:class:`` and ``:exc:`` (class), ``:func:`` (function), ``:meth:``
    (method), ``:attr:`` (attribute), ``:mod:`` (module). All markup is taken away, so that nothing but the words is
    left. Tokens are words, dotted names and single marks.

    Authors who mark nothing in a docstring say nothing about what its words name, so that only docstrings with a
    mention are read, but all their sentences, of 4 to 60 tokens. A sentence is left out where its labels or its words
    would be doubtful: by `plain`, or because a literal in double backticks is a name that a role of the package marks
    elsewhere. Other literals are plain words.
    """
    found = list(_sentences(folder, name, bad))
    marked = {sentence.text[one.start : one.end] for _, sentence in found for one in sentence.mentions}
    rows = []
    for row, sentence in found:
        doubtful = sentence.unclear or any(text.removesuffix("()") in marked for _, text in sentence.literals)
        if not doubtful and (values := _tagged(sentence)):
            rows.append(replace(row, values=row.values | values))
    return Rows(COLUMNS_OF_ENTITIES, rows)


def _sentences(folder: Path, name: str, bad: BadRows) -> Iterator[tuple[Row, Plain]]:
    """Yield the sentences of docstrings with a mention, each with a row that has only the package yet."""
    for docstring in docstrings(folder, name, bad, MENTION):
        found = [(line, plain(paragraph)) for line, paragraph in paragraphs(docstring.text)]
        if any(paragraph.mentions for _, paragraph in found):
            for line, paragraph in found:
                row = Row({"package": folder.name}, docstring.file, docstring.line + line)
                yield from ((row, sentence) for sentence in _split(paragraph))


def _split(paragraph: Plain) -> Iterator[Plain]:
    """Yield a paragraph's sentences; each begins with a letter, and ends with a mark or is begun with a capital."""
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


def _tagged(sentence: Plain) -> dict[str, list[str]] | None:
    """Return tokens and tags; None for too few or too many tokens, or a token that two mentions share."""
    tokens = list(TOKEN.finditer(sentence.text))
    if not SHORTEST <= len(tokens) <= LONGEST:
        return None
    tags = ["O"] * len(tokens)
    for mention in sentence.mentions:
        inside = [at for at, token in enumerate(tokens) if token.start() < mention.end and token.end() > mention.start]
        if any(tags[at] != "O" for at in inside):
            return None
        for place, at in enumerate(inside):
            tags[at] = f"{'I' if place else 'B'}-{mention.kind}"
    return {"tokens": [token[0] for token in tokens], "tags": tags}


def read_parameters(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row a question, with the columns question, context, answers (as in SQuAD) and package (folder's name).

    The context is the numpydoc section Parameters of one docstring, in plain words, with two entries or more; the
    questions ask for the type, the default and the meaning of one of its parameters, and each answer is a span of that
    entry. A parameter is not asked about when its name, in any case, stands before another entry too, or shares its
    entry. In a package each section is read once, and of questions with the same words and the same answer the first.
    """
    rows, contexts, asked = [], set(), set()
    for docstring in docstrings(folder, name, bad, TITLE):
        entries = parameters(docstring.text)
        context = "\n".join(entry.text for entry in entries)
        if len(entries) < 2 or context in contexts:
            continue
        contexts.add(context)
        for question, answer, start in _questions(entries):
            if (question, answer) not in asked:
                asked.add((question, answer))
                answers = {"text": [answer], "answer_start": [start]}
                values = {"question": question, "context": context, "answers": answers, "package": folder.name}
                rows.append(Row(values, docstring.file, docstring.line))
    return Rows(COLUMNS_OF_QUESTIONS, rows)


def _questions(entries: Sequence[Parameter]) -> Iterator[tuple[str, str, int]]:
    """Yield (question, answer, where the answer begins in the entries' text)."""
    names = [bare.casefold() for entry in entries for bare in entry.names]
    start = 0
    for entry in entries:
        if len(entry.names) == 1 and names.count(entry.names[0].casefold()) == 1:
            for what, (answer, at) in entry.answers().items():
                yield QUESTIONS[what].format(entry.names[0]), answer, start + at
        start += len(entry.text) + 1
