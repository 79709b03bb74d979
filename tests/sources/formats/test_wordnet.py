"""WordNet's data files, in the format of wndb(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
ENTITY = "00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is perceived  \n"
THING = "00001930 03 n 02 physical_entity 0 thing 1 001 @ 00001740 n 0000 | a | b; \"an 'example'\"  \n"
PARIS = "00002000 15 n 0a " + " ".join(f"w{i} 0" for i in range(10)) + " 001 @i 00001930 n 0000 | ten words  \n"
NOUNS = LICENCE + ENTITY + THING + PARIS
VERBS = "00597385 31 v 02 master 0 control 0 001 $ 01224762 v 0000 01 + 08 00 | have a firm understanding  \n"
ADJECTIVES = "00052672 00 a 02 awake(p) 0 galore(ip) 1 001 ! 00054908 a 0101 | not asleep  \n"


def write(folder: Path, **files: str) -> str:
    for part, text in files.items():
        (folder / f"data.{part}").write_text(text, encoding="utf-8")
    (folder / "index.sense").write_text("entity%1:03:00:: 00001740 1 11\n", encoding="utf-8")
    return f"file:{folder}"


def test_a_row_is_a_set_of_synonyms_with_its_gloss_and_what_is_above_it(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, adj=ADJECTIVES, noun=NOUNS, verb=VERBS), format="wordnet")
    assert rows.columns == ("synset", "words", "gloss", "hypernyms", "part")
    assert [(row.where, *row.values.values()) for row in rows.rows] == [
        ("data.noun:2", "00001740-n", ["entity"], "that which is perceived", [], "noun"),
        ("data.noun:3", "00001930-n", ["physical entity", "thing"], "a | b; \"an 'example'\"", ["entity"], "noun"),
        (
            "data.noun:4",
            "00002000-n",
            [f"w{i}" for i in range(10)],
            "ten words",
            ["physical entity", "thing"],
            "noun",
        ),
        ("data.verb:1", "00597385-v", ["master", "control"], "have a firm understanding", [], "verb"),
        ("data.adj:1", "00052672-a", ["awake", "galore"], "not asleep", [], "adj"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "00003000 03 n 03 entity 0 000 | too few words",
        "00003000 03 n 01 entity 0 002 ~ 00001930 n 0000 | too few pointers",
        "00003000 03 n 01 entity 0 000 no gloss",
        "00003000 03 n 01 entity 0 000 | ",
        "00003000 03 n zz entity 0 000 | no number",
        "00003000 03 n 00 000 | no words",
        "entity 03 n 01 entity 0 000 | no offset",
        "entity",
    ],
)
def test_a_bad_line_is_named_or_left_out(tmp_path: Path, line: str) -> None:
    source = write(tmp_path, noun=f"{NOUNS}{line}\n")
    message = refusal(DataError, read_rows, source, format="wordnet")
    assert message == f"data.noun:5: not a line of WordNet's data files: {line[:60]!r}"
    bad = BadRows(skip=True)
    assert len(read_rows(source, format="wordnet", bad=bad).rows) == 3
    assert bad.found == [message]


def test_a_hypernym_that_is_not_there_is_named(tmp_path: Path) -> None:
    message = refusal(DataError, read_rows, write(tmp_path, noun=LICENCE + THING), format="wordnet")
    assert message == "data.noun:2: the hypernym 00001740-n is missing"


def test_a_folder_without_data_files_is_refused(tmp_path: Path) -> None:
    assert "should hold WordNet's data.noun" in refusal(SourceError, read_rows, write(tmp_path), format="wordnet")
