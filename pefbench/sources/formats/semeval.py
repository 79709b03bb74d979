"""SemEval-2010 task 8: a sentence with two marked entities, and the relation between them.

Hendrickx et al. 2010, "SemEval-2010 Task 8: Multi-Way Classification of Semantic Relations Between Pairs of Nominals",
SemEval, section 3.3. An item is four lines, the last one blank; a comment may be missing::

    4<TAB>"A misty <e1>ridge</e1> uprises from the <e2>surge</e2>."
    Other
    Comment:
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label")
SENTENCE = re.compile(r"\d+\t(?P<text>.*\S)\s*")
LABEL = re.compile(r"Other|[A-Za-z]+(?:-[A-Za-z]+)*\(e[12],e[12]\)")
MARKERS = ("<e1>", "</e1>", "<e2>", "</e2>")


def read_semeval(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per item; its line is the sentence's. The markers stay in the text; the quotes around it do not."""
    rows = []
    for number, lines in _items(text):
        try:
            rows.append(Row(_values(lines, file, number), file, number))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def _items(text: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each item's first line, and its lines. A numbered or blank line ends the previous item."""
    item: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if item and (not line.strip() or SENTENCE.fullmatch(line)):
            yield number - len(item), item
            item = []
        if line.strip():
            item.append(line.rstrip("\r"))


def _values(lines: list[str], file: str, number: int) -> dict[str, str]:
    match = SENTENCE.fullmatch(lines[0])
    if match is None:
        raise DataError(f"{file}:{number}: should be a number, a tab and a sentence, got {lines[0][:60]!r}")
    text = match["text"]
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1].strip()
    for marker in MARKERS:
        if text.count(marker) != 1:
            raise DataError(f"{file}:{number}: should hold {marker} once, holds it {text.count(marker)} times")
    for start, end in (MARKERS[:2], MARKERS[2:]):
        if not text[text.find(start) + len(start) : text.find(end)].strip():
            raise DataError(f"{file}:{number}: no words between {start} and {end}")
    label = lines[1].strip() if len(lines) > 1 else ""
    if not LABEL.fullmatch(label):
        wrong = f"got {label[:60]!r}" if label else "the item ends"
        raise DataError(f"{file}:{number + 1}: should be Other or a relation such as Cause-Effect(e2,e1), {wrong}")
    return {"text": text, "label": label}


READER = TextReader(read_semeval)
