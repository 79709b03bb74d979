"""The Financial PhraseBank's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

LINES = "Profit rose 5 % at f\xe9nix@home .@positive\r\n\nIt is based in Oslo .@neutral\n"


def source(folder: Path, text: str) -> str:
    (folder / "Sentences_50Agree.txt").write_bytes(text.encode("latin-1"))
    return f"file:{folder / 'Sentences_50Agree.txt'}"


def test_the_last_at_sign_divides(tmp_path: Path) -> None:
    rows = read_rows(source(tmp_path, LINES), format="phrasebank", encoding="latin-1")
    assert [(row.where, row.values) for row in rows.rows] == [
        ("Sentences_50Agree.txt:1", {"text": "Profit rose 5 % at f\xe9nix@home .", "label": "positive"}),
        ("Sentences_50Agree.txt:3", {"text": "It is based in Oslo .", "label": "neutral"}),
    ]


@pytest.mark.parametrize("line", ["no sign at all", "another word@good", "@neutral", "Oslo@ neutral"])
def test_a_bad_line_is_named_or_left_out(tmp_path: Path, line: str) -> None:
    where = source(tmp_path, LINES + line + "\n")
    with pytest.raises(DataError, match=r"^Sentences_50Agree\.txt:4: should be a sentence, an @ and positive, neutral"):
        read_rows(where, format="phrasebank", encoding="latin-1")
    bad = BadRows(skip=True)
    assert len(read_rows(where, format="phrasebank", encoding="latin-1", bad=bad).rows) == 2
    assert len(bad.found) == 1
