"""CoNLL-U: words and their columns, without ranges, empty nodes and comments."""

from __future__ import annotations

import pytest

from pefbench.errors import DataError
from pefbench.sources.formats.conllu import COLUMNS, READER
from pefbench.sources.rows import BadRows


def line(number: str, form: str, upos: str) -> str:
    return f"{number}\t{form}\t{form.lower()}\t{upos}\t_\t_\t0\tdep\t_\t_"


SENTENCE = [line("1-2", "vámonos", "_"), line("1", "vamos", "VERB"), line("2", "nos", "PRON"), line("2.1", "x", "X")]
TEXT = "\n".join(["# text = vámonos !", *SENTENCE, line("3", "!", "PUNCT"), "", line("1", "#", "SYM"), ""])


def test_words_are_read_and_ranges_are_not() -> None:
    rows = READER.read(TEXT.replace("\n", "\r\n"), "x.conllu", BadRows())
    assert rows.columns == COLUMNS
    assert [(row.values["form"], row.values["upos"]) for row in rows.rows] == [
        (["vamos", "nos", "!"], ["VERB", "PRON", "PUNCT"]),
        (["#"], ["SYM"]),
    ]
    assert [row.where for row in rows.rows] == ["x.conllu:3", "x.conllu:8"]
    assert rows.rows[0].at(1) == "x.conllu:3"  # the line of the third word is not two after that of the first


@pytest.mark.parametrize("wrong", ["1\tone\ttwo", "word\t" + "\t".join("_" * 9), "1 word"])
def test_another_line_makes_its_sentence_a_bad_row(wrong: str) -> None:
    text = f"{line('1', 'a', 'X')}\n{wrong}\n{line('2', 'b', 'X')}\n\n{line('1', 'c', 'Y')}\n"
    with pytest.raises(DataError, match=r"x\.conllu:2: CoNLL-U has 10 columns separated by tabs, the first a number"):
        READER.read(text, "x.conllu", BadRows())
    bad = BadRows(skip=True)
    assert [row.values["form"] for row in READER.read(text, "x.conllu", bad).rows] == [["c"]]
    assert len(bad.found) == 1
