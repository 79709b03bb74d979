"""The assistant's knowledge: questions with answers, in a folder of CSV, JSONL and Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError, quoted
from pefbench.sources import BadRows, is_missing, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLES = (".csv", ".tsv", ".jsonl")
MARKDOWN = ".md"
HEADING = re.compile(r"^#{1,6}\s+(.*\S)\s*$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
"""The beginning of a code block, in which # is a comment; it ends with at least as many of the same marks."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON can contain but no tokenizer can read."""
QUESTION = ("question", "text", "utterance", "title")
ANSWER = ("answer", "reply", "response")
INTENT = ("intent", "label", "category", "topic")
GROUP = ("group", "template")


@dataclass(frozen=True)
class Entry:
    """A question with its answer. group: questions of the same group must be in the same split."""

    question: str
    answer: str
    intent: str
    source: str
    group: str


Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of each file."""


def files(folder: Path) -> list[Path]:
    """The files with knowledge. Raises SourceError if the folder does not exist."""
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder of knowledge")
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in {*TABLES, MARKDOWN})


def stamp(folder: Path) -> Stamp:
    """A value that changes whenever a file changes."""
    found = [(file, file.stat()) for file in files(folder)]
    return tuple((file.name, status.st_size, status.st_mtime_ns) for file, status in found)


def read(folder: Path) -> tuple[list[Entry], list[str]]:
    """All entries, and a line about each skipped row. Raises SourceError or DataError.

    A table has the columns question and answer, and optionally intent, which questions may share; without it, the
    file's name is the intent. In Markdown, a heading is a question, and the text below it the answer.
    """
    entries, bad = [], BadRows(skip=True)
    for file in files(folder):
        read_file = _markdown if file.suffix.lower() == MARKDOWN else _table
        entries += list(read_file(file, bad))
    if not entries:
        raise DataError(f"{folder}: holds no question with an answer in any .csv, .tsv, .jsonl or .md file")
    return entries, bad.found


def _table(file: Path, bad: BadRows) -> Iterator[Entry]:
    for row in read_rows(f"file:{file}", bad=bad).rows:
        found = {
            kind: next((row.values[name] for name in names if not is_missing(row.values.get(name))), None)
            for kind, names in {"question": QUESTION, "answer": ANSWER, "intent": INTENT, "group": GROUP}.items()
        }
        question, answer = found["question"], found["answer"]
        if not isinstance(question, str) or not isinstance(answer, str) or not question.strip() or not answer.strip():
            there = ", ".join(map(str, row.values))
            bad(DataError(f"{row.where}: needs a question and an answer, both texts; its columns are: {there}"))
            continue
        intent, group = str(found["intent"] or file.stem), str(found["group"] or question)
        if any(map(HALF.search, (question, answer, intent, group))):
            bad(DataError(f"{row.where}: is not valid text: it contains half of a surrogate pair"))
            continue
        yield Entry(question.strip(), answer.strip(), intent, f"{file.name}:{row.line}", group)


def _markdown(file: Path, bad: BadRows) -> Iterator[Entry]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise SourceError(f"{file}: cannot be read as UTF-8 text: {type(error).__name__}") from None
    question, place, answer, fence = "", 0, list[str](), ""
    for number, line in enumerate([*lines, "# end"], 1):
        heading = HEADING.match(line) if not fence or number > len(lines) else None
        if mark := FENCE.match(line):
            ends = mark[1].startswith(fence) and not line.strip().strip(fence[:1])
            fence = fence or mark[1] if not (fence and ends) else ""
        if heading is None:
            answer.append(line)
            continue
        text = "\n".join(answer).strip()
        if question and text:
            yield Entry(question, text, file.stem, f"{file.name}:{place}", question)
        elif question:
            bad(DataError(f"{file.name}:{place}: {quoted(question)} has no answer below it"))
        question, place, answer = heading[1], number, []
