"""Documents that files mark: which rows belong to the same one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pefbench.sources import BadRows, Row
from pefbench.sources.formats import conll, conllu, squad
from pefbench.sources.formats.brat import read_brat

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = "Anna O\nsaw O\n\nit O\n\n", "Boris O\n\nslept O\n"


def documents(rows: list[Row]) -> list[int]:
    """Each row's document as a number, in order of first appearance; -1: none."""
    seen: dict[str, int] = {}
    return [seen.setdefault(row.document, len(seen)) if row.document else -1 for row in rows]


def read(text: str) -> list[Row]:
    return conll.read_conll(text, "x.conll", BadRows()).rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FIRST + SECOND, [-1, -1, -1, -1]),
        (f"-DOCSTART- O\n\n{FIRST}-DOCSTART- O\n\n{SECOND}", [0, 0, 1, 1]),
        (f"-docstart- o\n\n{FIRST}-docstart- o\n\n{SECOND}", [0, 0, 1, 1]),
        (f"-DOCSTART- O\r\n\r\n{FIRST}-DOCSTART- O\n{SECOND}", [0, 0, 1, 1]),
        (f"{FIRST}-DOCSTART- O\n\n{SECOND}", [0, 0, 1, 1]),
        (f"#begin document (a)\n{FIRST}#end document\n#begin document (b)\n{SECOND}#end document\n", [0, 0, 1, 1]),
        (f"###MEDLINE:1\n\n{FIRST}###MEDLINE:2\n\n{SECOND}", [0, 0, 1, 1]),
    ],
)
def test_conll_columns(text: str, expected: list[int]) -> None:
    assert documents(read(text)) == expected


def test_a_document_keeps_its_name_if_others_are_put_before_it() -> None:
    alone = read(f"-DOCSTART- O\n\n{SECOND}")
    after = read(f"-DOCSTART- O\n\n{FIRST}-DOCSTART- O\n\n{SECOND}\n")
    assert {row.document for row in alone} == {row.document for row in after[2:]}


def test_conllu() -> None:
    words = "1\tAnna\t_\tPROPN\t_\t_\t_\t_\t_\t_\n\n"
    text = f"# newdoc id = a\n# sent_id = 1\n{words}{words}# newdoc\n# text = x\n{words.replace('Anna', 'Boris')}"
    assert documents(conllu.read_conllu(text, "x.conllu", BadRows()).rows) == [0, 0, 1]
    assert documents(conllu.read_conllu(words * 2, "x.conllu", BadRows()).rows) == [-1, -1]


def test_squad() -> None:
    paragraph = {"context": "It is so.", "qas": [{"id": "1", "question": "Is it?", "answers": []}]}
    articles = [{"title": title, "paragraphs": [paragraph, paragraph]} for title in ("Oslo", "Rome")]
    rows = squad.read_squad(json.dumps({"data": [*articles, {"paragraphs": [paragraph]}]}), "x.json", BadRows()).rows
    assert [row.document for row in rows] == ["Oslo", "Oslo", "Rome", "Rome", ""]


def test_brat(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"One line of {name}.\nAnother.\n", encoding="utf8")
        (tmp_path / f"{name}.ann").write_text("", encoding="utf8")
    assert documents(read_brat(tmp_path, "", BadRows(), "utf-8").rows) == [0, 0, 1, 1]


def test_texts_of_two_brat_folders_are_told_apart_by_what_they_say(tmp_path: Path) -> None:
    """File names such as 1.txt recur from folder to folder, and texts that two people annotated do, too."""
    rows = []
    for name, text in (("a", "One."), ("b", "Another."), ("c", "One.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"{text}\n", encoding="utf8")
        (tmp_path / name / "1.ann").write_text("", encoding="utf8")
        rows += read_brat(tmp_path / name, "", BadRows(), "utf-8").rows
    assert documents(rows) == [0, 1, 0]
