"""PubTator's documents, with hand-counted entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import BadRows, read_rows
from tests.tasks.loading import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
1|t|Naloxone reverses clonidine.
1|a|In rats, hypotension fell.
1\t0\t8\tNaloxone\tChemical\tD009270
1\t18\t27\tclonidine\tChemical\tD003000
1\t38\t49\thypotension\tDisease\tD007022
1\tCID\tD003000\tD007022

2|t|No entity.
2|a|

"""


def write(folder: Path, text: str) -> str:
    (folder / "CDR.PubTator.txt").write_text(text, encoding="utf-8")
    return f"file:{folder}/CDR.PubTator.txt"


def test_titles_abstracts_and_entities(tmp_path: Path) -> None:
    found = read_rows(write(tmp_path, TEXT))
    text = "Naloxone reverses clonidine. In rats, hypotension fell."
    assert [(row.values["text"], row.line) for row in found.rows] == [(text, 1), ("No entity. ", 8)]
    spans = found.rows[0].values["entities"]
    assert spans == [[0, 8, "Chemical"], [18, 27, "Chemical"], [38, 49, "Disease"]]
    assert [text[start:end] for start, end, _ in spans] == ["Naloxone", "clonidine", "hypotension"]
    assert found.notes == ("PubTator's titles with their abstracts", "not read: 1 relation")


def test_ner_reads_them(tmp_path: Path) -> None:
    write(tmp_path, TEXT)
    file = "CDR.PubTator.txt"
    example = load("ner", tmp_path, leaks="keep", train=file, validation=file, test=file).dataset.splits["test"][0]
    assert example.tokens == ("Naloxone", "reverses", "clonidine", ".", "In", "rats", ",", "hypotension", "fell", ".")
    assert example.tags == ("B-Chemical", "O", "B-Chemical", "O", "O", "O", "O", "B-Disease", "O", "O")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2\t0\t3\tNot\tDisease", r":10: 'Not' is not the text at 0 to 3: 'No '"),
        ("2\t0\t99\tNo entity.\tDisease", r":10: 'No entity\.' is not the text at 0 to 99"),
        ("2\tzero\t2\tNo\tDisease", r":10: should be a document, two numbers, the words and their type"),
        ("3|t|Again", r":10: should be a document, two numbers"),
    ],
)
def test_an_annotation_that_does_not_fit_is_a_bad_row(tmp_path: Path, line: str, message: str) -> None:
    source = write(tmp_path, f"{TEXT.rstrip()}\n{line}\n")
    with pytest.raises(DataError, match=f"^CDR.PubTator.txt{message}"):
        read_rows(source)
    bad = BadRows(skip=True)
    assert len(read_rows(source, bad=bad).rows) == len(bad.found) == 1
