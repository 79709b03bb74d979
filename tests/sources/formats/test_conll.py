from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import read_rows
from pefbench.sources.formats.conll import read_conll
from pefbench.sources.rows import BadRows
from tests.sources.amounts import files
from tests.sources.refusals import refusal

SHARED = Path("../shared/data/wnut17")

anything = st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r")
tab_tokens = st.text(anything, min_size=1, max_size=6)
space_tokens = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=" "), min_size=1, max_size=6)
tags = st.sampled_from(["O", "B-PER", "I-PER"])


def sentences(tokens: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    return st.lists(st.lists(st.tuples(tokens, tags), min_size=1, max_size=5), min_size=1, max_size=5)


def check_round_trip(written: list[list[tuple[str, str]]], separator: str, newline: str) -> None:
    first = written[0][0][0]
    assume(not first.startswith("# ") and first != "#")  # a leading comment cannot tell the layout
    assume(not any(token.startswith("-DOCSTART-") for sentence in written for token, _ in sentence))
    lines = [separator.join(pair) if pair else "" for sentence in written for pair in [*sentence, ()]]
    rows = read_conll(newline.join(lines), "x.txt", BadRows()).rows
    assert [list(zip(row.values["0"], row.values["1"], strict=True)) for row in rows] == written
    for row in rows:
        for i, token in enumerate(row.values["0"]):
            assert lines[row.line + i - 1] == f"{token}{separator}{row.values['1'][i]}"


@given(sentences(tab_tokens), st.sampled_from(["\n", "\r\n"]))
def test_tab_round_trip(written: list[list[tuple[str, str]]], newline: str) -> None:
    check_round_trip(written, "\t", newline)


@given(sentences(space_tokens), st.sampled_from(["\n", "\r\n"]))
def test_space_round_trip(written: list[list[tuple[str, str]]], newline: str) -> None:
    check_round_trip(written, " ", newline)


plain_words = st.text("abc\u00e9\u6771\u00a0", min_size=1, max_size=4).filter(lambda word: word.strip() == word)
gaps = st.sampled_from(["", "", "  ", "-DOCSTART- O", "# a comment of any length", "#"])
broken_lines = st.sampled_from(["word", "word O more", "a b c d", "\x00", "O"])


@settings(max_examples=files(300))
@given(
    blocks=st.lists(
        st.tuples(
            st.lists(st.tuples(plain_words, tags), min_size=1, max_size=4),
            st.lists(gaps, min_size=1, max_size=3),
            st.none() | st.tuples(st.integers(0, 4), broken_lines),
        ),
        min_size=1,
        max_size=6,
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_sound_sentences_are_read_and_broken_ones_counted(
    blocks: list[tuple[list[tuple[str, str]], list[str], tuple[int, str] | None]], newline: str
) -> None:
    lines, expected, broken = ["first O", ""], [(1, [("first", "O")])], 0
    for words, between, fault in blocks:
        written = [" ".join(word) for word in words]
        if fault is None:
            expected.append((len(lines) + 1, words))
        else:
            written.insert(max(1, fault[0]), fault[1])
            broken += 1
        lines += [*written, "", *between, ""]
    bad = BadRows(skip=True)
    rows = read_conll(newline.join(lines), "x.txt", bad).rows
    read = [(row.line, list(zip(row.values["0"], row.values["1"], strict=True))) for row in rows]
    assert read == expected
    assert len(bad.found) == broken


def test_conll2003_layout() -> None:
    documents = "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n", "Peter  NNP B-NP B-PER \n"
    text = "".join(f"-DOCSTART- -X- -X- O\n\n{document}\n" for document in documents)
    rows = read_conll(text, "eng.train", BadRows())
    assert rows.columns == ("0", "1", "2", "3")
    assert [row.values["0"] for row in rows.rows] == [["EU", "rejects"], ["Peter"]]
    assert [row.values["3"] for row in rows.rows] == [["B-ORG", "O"], ["B-PER"]]
    assert [row.where for row in rows.rows] == ["eng.train:3", "eng.train:8"]


def test_a_separator_line_may_hold_a_tab_and_a_token_may_be_a_space() -> None:
    rows = read_conll("a\tO\n \tB-x\n\t\nb\u00a0c\tO\n\u2028d\tO", "x", BadRows()).rows
    assert [row.values["0"] for row in rows] == [["a", " "], ["b\u00a0c", "\u2028d"]]


def test_a_no_break_space_does_not_separate() -> None:
    assert read_conll("b\u00a0c   O\n", "x", BadRows()).rows[0].values == {"0": ["b\u00a0c"], "1": ["O"]}


def test_comments_between_sentences_are_skipped_and_tokens_are_not() -> None:
    text = "# sent_id = 1\n# text = a b\n1\ta\tDET\n2\tb\tNOUN\n\n# text = #\n#\n1\t#\tSYM\n"
    rows = read_conll(text, "x", BadRows()).rows
    assert [row.values["1"] for row in rows] == [["a", "b"], ["#"]]
    assert [row.line for row in rows] == [3, 8]
    hashes = read_conll("a O\n\n# O\nb O\n# B-x\n", "x", BadRows()).rows
    assert [row.values["0"] for row in hashes] == [["a"], ["#", "b", "#"]]
    germeval = read_conll("#\thttp://a [2009]\n1\ta\tO\tO\n\n#\tb [2010]\n1\tb\tO\tO\n", "x", BadRows()).rows
    assert [row.values["1"] for row in germeval] == [["a"], ["b"]]
    ontonotes = read_conll("#begin document (a); part 000\nx 0 0 a DT\n\n#end document\n", "x", BadRows()).rows
    assert [row.values["3"] for row in ontonotes] == [["a"]]
    with_tab = read_conll("# id 7f3a\tdomain=en\na _ _ O\n", "x", BadRows()).rows
    assert [row.values["0"] for row in with_tab] == [["a"]]


@pytest.mark.parametrize(
    ("text", "where", "columns"),
    [
        ("a\tO\nb\tO\tx\n", "x:2", "3 columns, but the file has 2"),
        ("a\tO\nb\n", "x:2", "1 column, but the file has 2"),
        ("a NN O\n\n\nb O\n", "x:4", "2 columns, but the file has 3"),
        ("a O\n# in a sentence\n", "x:2", "4 columns, but the file has 2"),
    ],
)
def test_another_number_of_columns_is_refused_with_its_line(text: str, where: str, columns: str) -> None:
    message = refusal(DataError, read_conll, text, "x", BadRows())
    assert message.startswith(f"{where}: {columns}")


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- -X- O O\n\n", "# only a comment"])
def test_no_sentences(text: str) -> None:
    assert read_conll(text, "x", BadRows()).rows == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
@pytest.mark.parametrize(("part", "count"), [("train.conll", 3394), ("dev.conll", 1009), ("test.conll", 1287)])
def test_wnut17(part: str, count: int) -> None:
    rows = read_rows(f"file:{SHARED}", part)
    assert (len(rows.rows), rows.columns) == (count, ("0", "1"))
    assert all(len(row.values["0"]) == len(row.values["1"]) for row in rows.rows)
    assert {tag[:2] for row in rows.rows for tag in row.values["1"]} == {"O", "B-", "I-"}


def test_the_language_before_every_token_of_wikiann_is_left_out() -> None:
    found = read_conll("en:Ada\tB-PER\nen:ran\tO\n\nen::\tO\n", "x.txt", BadRows())
    assert [row.values for row in found.rows] == [{"0": ["Ada", "ran"], "1": ["B-PER", "O"]}, {"0": [":"], "1": ["O"]}]
    assert found.notes == ("en: before every token, the language, is left out",)
    others = read_conll("en:Ada\tB-PER\nran\tO\n", "x.txt", BadRows())
    assert (others.rows[0].values["0"], others.notes) == (["en:Ada", "ran"], ())


def test_jnlpba_names_its_documents_before_their_sentences() -> None:
    text = "###MEDLINE:95369245\n\nIL-2\tB-DNA\ngene\tI-DNA\n\n###MEDLINE:95369246\n\nnone\tO\n\n"
    found = read_conll(text, "x.iob2", BadRows())
    assert [(row.values["0"], row.values["1"], row.line) for row in found.rows] == [
        (["IL-2", "gene"], ["B-DNA", "I-DNA"], 3),
        (["none"], ["O"], 8),
    ]
