"""fastText's format: on each line labels, each marked by ``__label__``, and a text.

Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification", EACL, and the library's own documentation::

    __label__sauce __label__cheese How much does potato starch affect a cheese sauce recipe?
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label")
LABEL = re.compile(r"(?:^|(?<=[ \t]))__label__([^ \t]*)[ \t]*")
NOTE = "labels marked by __label__, as fastText has them"


def is_fasttext(text: str) -> bool:
    """Recognise the layout by its first line."""
    return text.lstrip().startswith("__label__")


def read_fasttext(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per line: its text, and in ``label`` the list of its labels, which may be anywhere in the line.

    Blank lines are skipped. A line without a label, or without a text, is a bad row.
    """
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        labels, rest = LABEL.findall(line.strip()), LABEL.sub("", line.strip()).strip()
        if labels and all(labels) and rest:
            rows.append(Row({"text": rest, "label": labels}, file, number))
        else:
            bad(DataError(f"{file}:{number}: should be __label__NAME and a text, got {line.strip()[:60]!r}"))
    return Rows(COLUMNS, rows, notes=(NOTE,))


READER = TextReader(read_fasttext, fits=is_fasttext)
