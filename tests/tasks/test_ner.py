"""Named entities: sentences from every shape of table, tag schemes with violations, and refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pefbench.errors import DataError, SourceError
from pefbench.recipe import resolve
from pefbench.trial import corpus
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pefbench.trial.corpus import Corpus

Sentences = list[tuple[list[str], list[str]]]
SENTENCES: Sentences = [
    (["Ada", "went", "to", "Oslo", "twice"], ["B-PER", "O", "O", "B-LOC", "O"]),
    (["New", "York", "saw", "Bo"], ["B-LOC", "I-LOC", "O", "B-PER"]),
    (["Nobody", "came"], ["O", "O"]),
]
SPLITS = ("train", "validation", "test")


def load(folder: Path, suffix: str, **data: Any) -> Corpus:
    """Load train.SUFFIX, ..., which all hold the same sentences."""
    named = {split: f"{split}.{suffix}" for split in SPLITS}
    data = {"source": f"file:{folder}", "leaks": "keep", **named, **data}
    raw = {"task": "ner", "model": {"name": "file:none"}, "method": {"name": "lora"}, "data": data}
    return corpus.load(resolve(raw, name="r"))


def examples(loaded: Corpus, split: str = "train") -> Sentences:
    return [(list(example.tokens), list(example.tags)) for example in loaded.dataset.splits[split]]


def write(folder: Path, suffix: str, text: str | bytes) -> None:
    for split in SPLITS:
        (folder / f"{split}.{suffix}").write_bytes(text if isinstance(text, bytes) else text.encode())


def conll(sentences: Sequence[Sequence[str]]) -> str:
    """Write tags, each beside a word of its own."""
    blocks = ("".join(f"w{row}x{at} {tag}\n" for at, tag in enumerate(tags)) for row, tags in enumerate(sentences))
    return "\n".join(blocks)


def long_table(*, numbered: str, separator: str = ",") -> Iterator[str]:
    """Write a word a row. numbered: "once", in the first row of a sentence; "each", in each row."""
    yield separator.join(["Sentence #", "Word", "POS", "Tag"])
    for number, (words, tags) in enumerate(SENTENCES):
        for at, (word, tag) in enumerate(zip(words, tags, strict=True)):
            shown = f"Sentence: {number}" if numbered == "each" or at == 0 else ""
            yield separator.join([shown, word, "NN", tag])


# ---- tag schemes


def test_tags_that_no_scheme_has_are_read_where_they_are_clear(tmp_path: Path) -> None:
    write(tmp_path, "conll", conll([["O", "O", "O", "B", "I"], ["O", "B", "O", "O"]]))
    loaded = load(tmp_path, "conll")
    assert loaded.dataset.notes == ["9 tags such as 'B' are read as 'B-ENTITY'"]
    assert examples(loaded)[0][1] == ["O", "O", "O", "B-ENTITY", "I-ENTITY"]
    assert "tag 'B' at train.conll:4 has no prefix" in refusal(DataError, load, tmp_path, "conll", tags="strict")


def test_columns_without_a_header_lie_in_tsv_files_too(tmp_path: Path) -> None:
    blocks = conll([["O", "B-PER"], ["B-PER", "O", "O"]]).replace(" ", "\t")
    write(tmp_path, "tsv", "#\tsource\t[2009]\n" + blocks)
    loaded = load(tmp_path, "tsv")
    assert examples(loaded) == [(["w0x0", "w0x1"], ["O", "B-PER"]), (["w1x0", "w1x1", "w1x2"], ["B-PER", "O", "O"])]
    assert loaded.notes == ["columns without a header, as in CoNLL files; blank lines separate sentences"]
    write(tmp_path, "tsv", "Word\tTag\n" + blocks)
    assert examples(load(tmp_path, "tsv")) == examples(loaded)
    write(tmp_path, "tsv", "#\tsource\n1\tAda\tB-PER\tO\n2\tran\tO\tO\n\n1\tBo\tB-PER\tO\n")  # GermEval
    message = refusal(DataError, load, tmp_path, "tsv")
    assert "column 0 numbers the words" in message
    assert "-o data.columns.tokens=1 -o data.columns.tags=2" in message
    assert examples(load(tmp_path, "tsv", columns={"tokens": 1, "tags": 2}))[1] == (["Bo"], ["B-PER"])


def test_a_file_without_blank_lines_is_no_sentence(tmp_path: Path) -> None:
    lines = "".join(f"w{at} {'B-PER' if at % 9 == 0 else 'O'}\n" for at in range(501))
    write(tmp_path, "conll", lines)
    assert refusal(DataError, load, tmp_path, "conll") == (
        "train.conll: 501 words without a blank line between them; blank lines separate sentences"
    )


def test_strays_of_iob1_are_read_counted_and_shown(tmp_path: Path) -> None:
    sound = [["I-ORG", "O", "I-MISC", "O"], ["I-PER", "I-PER", "O", "I-LOC"], ["I-LOC", "B-LOC", "I-LOC"]] * 3
    strayed = [list(tags) for tags in sound]
    for row, at in ((1, 3), (2, 0), (4, 0), (5, 0)):
        strayed[row][at] = f"B-{strayed[row][at][2:]}"
    (tmp_path / "sound").mkdir()
    write(tmp_path, "conll", conll(strayed))
    write(tmp_path / "sound", "conll", conll(sound))
    loaded = load(tmp_path, "conll")
    assert examples(loaded) == examples(load(tmp_path / "sound", "conll"))
    scheme, strays = loaded.dataset.notes
    assert scheme == "tags converted from IOB1 to IOB2"
    assert strays == (
        "tags violate IOB1 at 12 of 54 entities, which are read unchanged: "
        "B-LOC at train.conll:9, B-LOC at train.conll:11, B-PER at train.conll:20, ..."
    )


def test_strict_tags_are_bad_rows(tmp_path: Path) -> None:
    write(tmp_path, "conll", conll([["I-LOC", "O"], ["O", "B-LOC"], ["I-LOC"], ["I-LOC", "B-LOC"]]))
    message = refusal(DataError, load, tmp_path, "conll", tags="strict")
    assert message == (
        "tag 'B-LOC' at train.conll:5 begins an entity; in IOB1, as most of the tags are, that is 'I-LOC'"
    )
    loaded = load(tmp_path, "conll", tags="strict", on_bad_row="skip")
    assert [tags for _, tags in examples(loaded)] == [["B-LOC", "O"], ["B-LOC"], ["B-LOC", "B-LOC"]]
    assert len(loaded.skipped) == 3
    assert not any("depart" in note for note in loaded.dataset.notes)


def test_unclosed_iobes_is_closed(tmp_path: Path) -> None:
    write(tmp_path, "conll", conll([["S-LOC", "B-PER", "O"], ["I-PER", "E-PER", "S-PER"]]))
    loaded = load(tmp_path, "conll")
    assert [tags for _, tags in examples(loaded)] == [["B-LOC", "B-PER", "O"], ["B-PER", "I-PER", "B-PER"]]
    assert "violate IOBES at 6 of 12 entities" in loaded.dataset.notes[1]


def test_the_new_fields_leave_old_ids_as_they_were(tmp_path: Path) -> None:
    write(tmp_path, "conll", conll([["O"]]))
    raw = {"task": "ner", "model": {"name": "file:none"}, "method": {"name": "lora"}}
    data = resolve({**raw, "data": {"source": "file:x"}}, name="r").data
    assert not {"tags", "header", "labels"} & data.model_dump().keys()
    strict = resolve({**raw, "data": {"source": "file:x", "tags": "strict", "header": False}}, name="r").data
    assert strict.model_dump().items() >= {"tags": "strict", "header": False}.items()


# ---- tables


@pytest.mark.parametrize("numbered", ["once", "each"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_word_a_row(tmp_path: Path, numbered: str, separator: str) -> None:
    write(tmp_path, "csv", "\n".join(long_table(numbered=numbered, separator=separator)))
    loaded = load(tmp_path, "csv")
    assert examples(loaded) == SENTENCES
    assert "columns not read: POS" in loaded.notes


def test_a_word_a_row_with_blank_lines_between(tmp_path: Path) -> None:
    for blank in ("\n", ",\n"):
        write(
            tmp_path,
            "csv",
            "Word,Tag\n"
            + blank.join(
                "".join(f"{word},{tag}\n" for word, tag in zip(words, tags, strict=True)) for words, tags in SENTENCES
            ),
        )
        assert examples(load(tmp_path, "csv")) == SENTENCES


def test_a_word_a_row_in_parquet_with_numbers(tmp_path: Path) -> None:
    words = [
        (number, word, tag)
        for number, (each, tags) in enumerate(SENTENCES)
        for word, tag in zip(each, tags, strict=True)
    ]
    for split in SPLITS:
        columns = dict(zip(("sentence_id", "word", "tag"), map(list, zip(*words, strict=True)), strict=True))
        parquet.write_table(pa.table(columns), tmp_path / f"{split}.parquet")
    assert examples(load(tmp_path, "parquet")) == SENTENCES


def test_a_word_a_row_without_numbers_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "csv", "No,Word,Tag\n" + "".join(f"{at // 3},w{at},O\n" for at in range(9)))
    message = refusal(DataError, load, tmp_path, "csv")
    assert message == (
        "train.csv:2: each row has one word, but no column numbers the sentences; name one with data.columns.sentence "
        "(the columns are: No, Word, Tag)"
    )
    loaded = load(tmp_path, "csv", columns={"sentence": "No"})
    assert [len(words) for words, _ in examples(loaded)] == [3, 3, 3]


@pytest.mark.parametrize("column", ["doc_id", "Document", "file name"])
def test_sentences_that_are_numbered_anew_in_each_document_stay_apart(tmp_path: Path, column: str) -> None:
    rows = ["a,1,Ada,B-PER", "a,1,ran,O", "b,1,Bo,B-PER", "b,1,sat,O", "b,2,Cy,B-PER", "b,2,ate,O"]
    write(tmp_path, "csv", "\n".join([f"{column},sentence_id,word,tag", *rows]))
    words = [["Ada", "ran"], ["Bo", "sat"], ["Cy", "ate"]]
    assert [found for found, _ in examples(load(tmp_path, "csv"))] == words
    once = [row if at in (0, 2, 4) else f",,{row.split(',', 2)[2]}" for at, row in enumerate(rows)]
    write(tmp_path, "csv", "\n".join([f"{column},sentence_id,word,tag", *once]))
    assert [found for found, _ in examples(load(tmp_path, "csv"))] == words


@pytest.mark.parametrize("separator", [",", ", ", "; ", "|"])
def test_tags_with_commas_between_them_are_no_types(tmp_path: Path, separator: str) -> None:
    rows = "".join(f"Ada{separator}ran{at}\tB-PER{separator}O\n" for at in range(4))
    write(tmp_path, "tsv", f"tokens\ttags\n{rows}")
    message = refusal(DataError, load, tmp_path, "tsv")
    assert message.startswith("train.tsv:2: tags should be tags with spaces between them, or a list as JSON has it")


def test_an_empty_word_names_its_line_and_column(tmp_path: Path) -> None:
    text = "Sentence #,Word,Tag\n1,Ada,B-PER\n1,,O\n2,Bo,B-PER\n2,ran,O\n"
    write(tmp_path, "csv", text)
    message = refusal(DataError, load, tmp_path, "csv")
    assert message == "train.csv:3: the column 'Word' is empty; data.on_bad_row=skip leaves bad rows out"
    loaded = load(tmp_path, "csv", on_bad_row="skip")
    assert examples(loaded) == [(["Bo", "ran"], ["B-PER", "O"])]


@pytest.mark.parametrize("shape", ["json", "python", "numpy", "words"])
def test_lists_written_as_text(tmp_path: Path, shape: str) -> None:
    shapes = {
        "json": json.dumps,
        "python": repr,
        "numpy": lambda items: "[" + "\n ".join(map(repr, items)) + "]",
        "words": " ".join,
    }
    rows = (
        "".join(f',"{cell}"' for cell in (shapes[shape](items).replace('"', '""') for items in pair))
        for pair in SENTENCES
    )
    write(tmp_path, "csv", "id,tokens,ner_tags\n" + "".join(f"{row}\n" for row in rows))
    assert examples(load(tmp_path, "csv")) == SENTENCES


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "csv", "tokens,ner_tags\n\"['Ada', f('x')]\",B-PER O\n")
    message = refusal(DataError, load, tmp_path, "csv")
    assert message.startswith("train.csv:2: tokens looks like a list and is neither JSON nor a Python list")


NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize("where", ["recipe", "dataset_info.json", "dataset_infos.json", "features.json"])
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_tags_that_are_numbers_get_their_names(tmp_path: Path, suffix: str, where: str) -> None:
    numbers = [(words, [NAMES.index(tag) for tag in tags]) for words, tags in SENTENCES]
    if suffix == "jsonl":
        write(tmp_path, suffix, "".join(json.dumps({"tokens": a, "ner_tags": b}) + "\n" for a, b in numbers))
    else:
        write(tmp_path, suffix, "tokens,ner_tags\n" + "".join(f'{" ".join(a)},"{b}"\n' for a, b in numbers))
    assert "the tags in ner_tags are numbers; name them with data.labels" in refusal(DataError, load, tmp_path, suffix)
    types = {"ner_tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}}
    if where == "recipe":
        assert examples(load(tmp_path, suffix, labels=NAMES)) == SENTENCES
        return
    beside = {"dataset_info.json": {"features": types}, "dataset_infos.json": {"default": {"features": types}}}
    (tmp_path / where).write_text(json.dumps(beside.get(where, types)), encoding="utf8")
    loaded = load(tmp_path, suffix)
    assert examples(loaded) == SENTENCES
    assert f"label names from {where}" in loaded.notes


def test_a_number_without_a_name_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path, "jsonl", '{"tokens": ["a"], "tags": [0]}\n{"tokens": ["b"], "tags": [5]}\n')
    message = refusal(DataError, load, tmp_path, "jsonl", labels=["O"])
    assert message == (
        "train.jsonl:2: 'tags': 5 is not the index of one of 1 label names, counted from 0 (data.labels)"
    )
    assert len(load(tmp_path, "jsonl", labels=["O"], on_bad_row="skip").skipped) == 3


def test_invisible_characters_are_no_part_of_words_tags_and_names(tmp_path: Path) -> None:
    rows = [{"\ufefftokens\u00a0": [" Ada\u200b", "O\u00adslo", "\u200b"], "tags\u200b": ["B-PER\u00a0", "B-LOC", "O"]}]
    write(tmp_path, "jsonl", json.dumps(rows[0]))
    assert examples(load(tmp_path, "jsonl")) == [(["Ada", "Oslo", "\u200b"], ["B-PER", "B-LOC", "O"])]


def test_without_a_header(tmp_path: Path) -> None:
    write(tmp_path, "csv", "".join(f"{' '.join(words)},{' '.join(tags)}\n" for words, tags in SENTENCES))
    loaded = load(tmp_path, "csv", header=False)
    assert examples(loaded) == SENTENCES


def test_half_a_character_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path, "jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["b\\ud83d"], "tags": ["O"]}\n')
    message = refusal(DataError, load, tmp_path, "jsonl")
    assert message == (
        "train.jsonl:2: a lone surrogate (\\ud83d) in 'tokens'; data.on_bad_row=skip leaves bad rows out"
    )
    assert len(load(tmp_path, "jsonl", on_bad_row="skip").skipped) == 3


def test_a_first_line_that_is_a_row_is_told_of_the_header(tmp_path: Path) -> None:
    write(tmp_path, "csv", "3,Ada ran,B-PER O\n4,Bo ran,B-PER O\n")
    message = refusal(DataError, load, tmp_path, "csv")
    assert "the columns are: 3, Ada ran, B-PER O" in message
    assert "if the first line is a row, data.header=false numbers the columns from 0" in message
    loaded = load(tmp_path, "csv", header=False, columns={"tokens": 1, "tags": 2})
    assert examples(loaded)[0] == (["Ada", "ran"], ["B-PER", "O"])
    assert "columns not read: 0" in loaded.notes
    assert "data.header=false is for text tables" in refusal(
        SourceError, load, tmp_path, "csv", header=False, format="conll"
    )


def test_each_bad_row_is_told_though_rows_with_the_same_tags_are_checked_once(tmp_path: Path) -> None:
    rows = [["B-PER", "O"], ["O", "B-PER"], ["X-PER", "O"], ["O", "X-PER"], ["E-PER", "L-PER"], ["O", "B-PER", "I-PER"]]
    for split in ("train", "validation", "test"):
        lines = [
            json.dumps({"tokens": [f"w{i}{j}" for j, _ in enumerate(row)], "tags": row}) for i, row in enumerate(rows)
        ]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    loaded = load(tmp_path, "jsonl", on_bad_row="skip", leaks="keep", repeats="keep")
    assert len(loaded.skipped) == 9
    assert [len(split) for split in loaded.dataset.splits.values()] == [3, 3, 3]
