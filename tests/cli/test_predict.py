"""`pefbench predict`: texts, files and lines; one line for invalid input."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pefbench.cli.main import _parser as parser
from pefbench.cli.main import main
from pefbench.inference import files
from pefbench.inference.model import Model
from tests.trials import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pefbench.inference.kind import Answer, Query

SAID = pytest.CaptureFixture[str]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["predict", *map(str, arguments)])
    return ended.value.code


def refusal(capsys: SAID, *arguments: object) -> str:
    capsys.readouterr()
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    [line] = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in said.err
    return line


def write_rows(file: Path, count: int) -> list[str]:
    texts = [text for text, _ in labelled(count, seed=7)]
    file.write_text("\n".join(["id,text", *(f"{i},{text}" for i, text in enumerate(texts))]) + "\n", encoding="utf8")
    return texts


def answers(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]


def test_texts_are_answered_one_a_line(classifier: Path, capsys: SAID) -> None:
    assert run(classifier, "Anna saw Boris", "Paris near Rome") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["person", "place"]
    assert run("--json", classifier, "Anna saw Boris") == 0
    [answer] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answer["label"] == "person"
    assert lines[0] == f"person  {answer['score']:.3f}"


@pytest.mark.parametrize(
    "given", ["--json TRIAL a b", "TRIAL --json a b", "TRIAL a --json b", "TRIAL a b --json", "TRIAL --json -- a b"]
)
def test_options_may_stand_anywhere(given: str) -> None:
    found = parser().parse_args(["predict", *given.split()])
    assert (str(found.trial), found.texts, found.json) == ("TRIAL", ["a", "b"], True)


def test_a_trial_is_needed(capsys: SAID) -> None:
    assert refusal(capsys, "--json").startswith("error: pefbench predict: the following arguments are required: TRIAL;")


def test_a_text_that_is_cut_says_so(classifier: Path, capsys: SAID) -> None:
    assert run(classifier, "Anna " * 40) == 0
    assert "truncated" in capsys.readouterr().out


def test_a_json_object_of_the_models_columns_is_no_text(classifier: Path, capsys: SAID) -> None:
    pair = '{"text": "Anna saw", "pair": "Paris near Rome"}'
    other = '{"text": "Anna saw", "page": 3}'
    assert run("--json", classifier, pair, other, '{"text": "Anna saw"}', "Anna saw", "{}") == 0
    both, text, alone, same, empty = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert alone == same
    assert len({each["score"] for each in (both, text, alone, empty)}) == 4


def test_entities_are_printed_with_their_text(tagger: Path, capsys: SAID) -> None:
    assert run(tagger, "Anna saw Paris") == 0
    said = capsys.readouterr().out
    assert "Anna (PER 0." in said
    assert "Paris (LOC 0." in said


def test_lines_of_standard_input_are_answered(
    classifier: Path,
    capsys: SAID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Anna saw Boris\nParis near Rome\n")))
    assert run(classifier) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["person", "place"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "standard input is empty" in refusal(capsys, classifier)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n")))
    assert "line 1 of standard input is not UTF-8 text" in refusal(capsys, classifier)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_is_answered_row_by_row(classifier: Path, tmp_path: Path, suffix: str) -> None:
    texts = write_rows(tmp_path / "in.csv", 150)
    if suffix == "jsonl":
        rows = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (tmp_path / "in.jsonl").write_text(rows, encoding="utf8")
    assert run(classifier, "--file", tmp_path / f"in.{suffix}", "--out", tmp_path / "new" / "out.jsonl") == 0
    found = answers(tmp_path / "new" / "out.jsonl")
    assert [answer["id"] for answer in found] == list(range(150))
    assert {answer["label"] for answer in found} == {"person", "place"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.jsonl"]


def test_a_conll_file_is_answered_sentence_by_sentence(tagger: Path, tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text("Anna\tO\nsaw\tO\n\nParis\tO\n", encoding="utf8")
    assert run(tagger, "--file", tmp_path / "in.conll", "--out", tmp_path / "out.jsonl") == 0
    first, second = answers(tmp_path / "out.jsonl")
    assert [entity["text"] for entity in first["entities"]] == ["Anna"]
    assert [entity["text"] for entity in second["entities"]] == ["Paris"]


def test_a_killed_job_goes_on_where_it_was(
    classifier: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "BATCHES", 2)  # 16 rows together
    write_rows(tmp_path / "in.csv", 60)
    job = (classifier, "--file", tmp_path / "in.csv", "--out", tmp_path / "out.jsonl")
    assert run(*job) == 0
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").unlink()

    asked: list[int] = []
    answer = Model.answers

    def dies(model: Model, given: Sequence[Query]) -> list[Answer]:
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(len(given))
        return answer(model, given)

    with monkeypatch.context() as dying:
        dying.setattr(Model, "answers", dies)
        assert run(*job) == 130
    assert not (tmp_path / "out.jsonl").exists()
    [partial] = tmp_path.glob(".out.jsonl.*.partial")
    with partial.open("ab") as lines:
        lines.write(b'{"id": 32, "lab')

    seen: list[int] = []

    def counts(model: Model, given: Sequence[Query]) -> list[Answer]:
        seen.append(len(given))
        return answer(model, given)

    monkeypatch.setattr(Model, "answers", counts)
    assert run(*job) == 0
    assert seen == [16, 12]
    assert (tmp_path / "out.jsonl").read_bytes() == whole
    assert not list(tmp_path.glob(".out*"))


def test_a_file_that_changes_is_refused(
    classifier: Path, tmp_path: Path, capsys: SAID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCHES", 2)
    write_rows(tmp_path / "in.csv", 40)
    job = (classifier, "--file", tmp_path / "in.csv", "--out", tmp_path / "out.jsonl")
    answer = Model.answers

    def changes(model: Model, given: Sequence[Query]) -> list[Answer]:
        if next(iter(tmp_path.glob(".out*"))).stat().st_size:
            (tmp_path / "in.csv").write_text("id,text\n1,other\n", encoding="utf8")
        return answer(model, given)

    with monkeypatch.context() as changing:
        changing.setattr(Model, "answers", changes)
        assert "in.csv: changed while it was being read" in refusal(capsys, *job)
    assert not (tmp_path / "out.jsonl").exists()
    assert "an interrupted job of another trial, or of a file that has changed" in refusal(capsys, *job)
    [partial] = tmp_path.glob(".out*")
    partial.unlink()
    assert run(*job) == 0
    assert len(answers(tmp_path / "out.jsonl")) == 1


@pytest.mark.parametrize("name", ["in.conll", "in.txt", "in.tsv"])
def test_a_file_of_words_may_be_utf_16(tagger: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("Anna\tO\nsaw\tO\n\nParis\tO\n".encode("utf-16"))
    assert run(tagger, "--file", tmp_path / name, "--out", tmp_path / "out.jsonl") == 0
    found = [[entity["text"] for entity in answer["entities"]] for answer in answers(tmp_path / "out.jsonl")]
    assert found == [["Anna"], ["Paris"]]


@pytest.mark.parametrize("name", ["in.csv.gz", "in.parquet", "in.json"])
def test_other_formats_are_answered_alike(classifier: Path, tmp_path: Path, name: str) -> None:
    texts = write_rows(tmp_path / "in.csv", 20)
    assert run(classifier, "--file", tmp_path / "in.csv", "--out", tmp_path / "expected.jsonl") == 0
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "in.csv").read_bytes()))
    elif name.endswith(".parquet"):
        parquet.write_table(pa.table({"text": texts}), tmp_path / name)
    else:
        (tmp_path / name).write_text(json.dumps([{"text": text} for text in texts]), encoding="utf8")
    assert run(classifier, "--file", tmp_path / name, "--out", tmp_path / "out.jsonl") == 0
    assert answers(tmp_path / "out.jsonl") == answers(tmp_path / "expected.jsonl")


def test_what_cannot_be_answered_is_one_line(classifier: Path, tmp_path: Path, capsys: SAID) -> None:
    out = ("--out", tmp_path / "out.jsonl")
    assert "no such trial" in refusal(capsys, tmp_path / "none", "a text")
    assert "no such file" in refusal(capsys, classifier, "--file", tmp_path / "none.csv", *out)
    (tmp_path / "empty.csv").touch()
    assert "empty.csv: is empty" in refusal(capsys, classifier, "--file", tmp_path / "empty.csv", *out)
    (tmp_path / "header.csv").write_text("text\n", encoding="utf8")
    assert "header.csv" in refusal(capsys, classifier, "--file", tmp_path / "header.csv", *out)
    (tmp_path / "in.csv").write_text("id,text\n1,fine\n2,\n", encoding="utf8")
    assert "in.csv:3: has no 'text'" in refusal(capsys, classifier, "--file", tmp_path / "in.csv", *out)
    assert "unknown format 'xml'" in refusal(capsys, classifier, "--file", tmp_path / "in.csv", *out, "--format", "xml")
    (tmp_path / "other.csv").write_text("name\nAnna\n", encoding="utf8")
    assert "its columns are: name" in refusal(capsys, classifier, "--file", tmp_path / "other.csv", *out)
    assert "is a folder; name a file" in refusal(capsys, classifier, "--file", tmp_path, *out)
    (tmp_path / "lines.txt").write_text("Anna saw Boris\nParis near Rome\n", encoding="utf8")
    said = refusal(capsys, classifier, "--file", tmp_path / "lines.txt", *out)
    assert "its one column is called 'Anna saw Boris', and not text; texts, one a line, are read from standard" in said
    (tmp_path / "line.txt").write_text("Anna saw Boris\n", encoding="utf8")
    assert "has no rows; texts, one a line," in refusal(capsys, classifier, "--file", tmp_path / "line.txt", *out)
    below = ("--out", tmp_path / "in.csv" / "out.jsonl")
    assert "is a file, not a folder" in refusal(capsys, classifier, "--file", tmp_path / "in.csv", *below)
    assert "go together" in refusal(capsys, classifier, "--file", tmp_path / "in.csv")
    assert "in.csv: looks like a file; --file in.csv --out answers.jsonl" in refusal(capsys, classifier, "a", "in.csv")
    assert "not both" in refusal(capsys, classifier, "text", "--file", tmp_path / "in.csv", *out)
    assert "name another" in refusal(capsys, classifier, "--file", tmp_path / "in.csv", "--out", tmp_path / "in.csv")
    os.mkfifo(tmp_path / "pipe")  # a device alike: a file of answers would take its place
    assert "is a device or a pipe" in refusal(
        capsys, classifier, "--file", tmp_path / "in.csv", "--out", tmp_path / "pipe"
    )
    assert (tmp_path / "pipe").is_fifo()
    assert "is empty; name a file" in refusal(capsys, classifier, "--file", tmp_path / "in.csv", "--out", "")
    assert "not valid Unicode" in refusal(capsys, classifier, "a \udc80")
    assert not list(tmp_path.glob("*out*"))
