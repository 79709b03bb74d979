"""The Financial PhraseBank: a sentence, an @ and its sentiment on each line, in Latin-1.

Malo et al. 2014, "Good debt or bad debt: Detecting semantic orientations in economic texts" (arXiv:1307.5336)::

    According to Gran , the company has no plans to move all production to Russia .@neutral
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label")
SENTIMENTS = ("positive", "neutral", "negative")


def read_phrasebank(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per line; the last @ separates, since sentences may contain @. Other sentiments are bad rows."""
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        sentence, _, sentiment = line.strip().rpartition("@")
        if sentence.strip() and sentiment in SENTIMENTS:
            rows.append(Row({"text": sentence.strip(), "label": sentiment}, file, number))
        elif line.strip():
            bad(
                DataError(
                    f"{file}:{number}: should be a sentence, an @ and {', '.join(SENTIMENTS[:2])} or {SENTIMENTS[2]}, "
                    f"got {line.strip()[-60:]!r}"
                )
            )
    return Rows(COLUMNS, rows)


READER = TextReader(read_phrasebank)
