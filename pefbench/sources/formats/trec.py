"""The TREC question classes: one question per line, after its coarse and its fine class.

Li and Roth 2002, "Learning Question Classifiers", COLING, section 2::

    DESC:manner How did serfdom develop in and then leave Russia ?
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "coarse_label", "fine_label")
LINE = re.compile(r"(?P<fine_label>(?P<coarse_label>[^\s:]+):[^\s:]+)\s+(?P<text>\S.*)")


def read_trec(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per line; blank lines are skipped. The fine label includes the coarse one: ``DESC:manner``."""
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            match = LINE.fullmatch(line.strip())
            if match is None:
                bad(DataError(f"{file}:{number}: should be CLASS:subclass and a text, got {line.strip()[:60]!r}"))
                continue
            rows.append(Row({name: match[name] for name in COLUMNS}, file, number))
    return Rows(COLUMNS, rows)


READER = TextReader(read_trec)
