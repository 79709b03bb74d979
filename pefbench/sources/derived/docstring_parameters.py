"""Questions about function parameters, made from the docstrings in a folder of Python files.

The folder may be a package in a wheel, which is never imported. Tests in the folder are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.sources.derived._numpydoc import TITLE, parameters
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pefbench.sources.derived._numpydoc import Parameter
    from pefbench.sources.rows import BadRows

COLUMNS = ("question", "context", "answers", "package")
QUESTIONS = {
    "type": "What type is {}?",
    "default": "What is the default of {}?",
    "meaning": "What does {} mean?",
}


def read_parameters(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per question, with the columns question, context, answers (as in SQuAD) and package (folder's name).

    The context is the numpydoc section Parameters of one docstring, as plain text, with at least two entries. Questions
    ask for the type, the default and the meaning of a parameter; each answer is a span of its entry. There are no
    questions about a parameter whose name, ignoring case, heads another entry or shares its entry. Within a package,
    each section is read once, and of questions with equal words and answers only the first.
    """
    rows, contexts, questions = [], set(), set()
    for docstring in docstrings(folder, name, bad, TITLE):
        entries = parameters(docstring.text)
        context = "\n".join(entry.text for entry in entries)
        if len(entries) < 2 or context in contexts:
            continue
        contexts.add(context)
        for question, answer, start in _questions(entries):
            if (question, answer) not in questions:
                questions.add((question, answer))
                answers = {"text": [answer], "answer_start": [start]}
                values = {"question": question, "context": context, "answers": answers, "package": folder.name}
                rows.append(Row(values, docstring.file, docstring.line))
    return Rows(COLUMNS, rows)


def _questions(entries: Sequence[Parameter]) -> Iterator[tuple[str, str, int]]:
    """Yield (question, answer, offset of the answer in the entries' text)."""
    names = [bare.casefold() for entry in entries for bare in entry.names]
    start = 0
    for entry in entries:
        if len(entry.names) == 1 and names.count(entry.names[0].casefold()) == 1:
            for what, (answer, at) in entry.answers().items():
                yield QUESTIONS[what].format(entry.names[0]), answer, start + at
        start += len(entry.text) + 1


READER = FolderReader(read_parameters)
