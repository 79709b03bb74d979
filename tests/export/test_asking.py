"""Mistakes in the input of a bundle's script: one line, and exit status 2."""

from __future__ import annotations

import io
import json
import os
import runpy
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from pefbench.export.heads import marked, sequence
from pefbench.export.script import script
from pefbench.file_names import FILE_NAME, names_a_file
from pefbench.heads.marked import MarkedHead
from pefbench.heads.sequence import SequenceHead
from tests.export.scripts import Session, parts_of, reader_of
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle whose first label is the likelier, the longer a text is; with a graph that is not read."""
    head, tokenizer = SequenceHead(["long", "short"]), single_bytes()
    settings = {"file_name": FILE_NAME.pattern, **sequence.settings(head, tokenizer, 20)}
    (tmp_path / "answer.py").write_text(script("sequence", sequence.traits(head, tokenizer)), encoding="utf8")
    (tmp_path / "bundle.json").write_text(json.dumps(settings), encoding="utf8")
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: Session(lambda ids: [len(ids) / 4, 1.0]))
    return tmp_path


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, lines: bytes = b"") -> None:
    monkeypatch.setattr(sys, "argv", ["answer.py", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    runpy.run_path(str(folder / "answer.py"), run_name="__main__")


WANTED = 'expected a text, or {"text": "...", "pair": "..."} with --json'


@pytest.mark.parametrize(
    ("arguments", "lines", "said"),
    [
        (
            ["inputs.jsonl"],
            b"",
            "inputs.jsonl looks like a file; for its lines: < inputs.jsonl; a text goes to",
        ),
        (["A text", "--jsonl"], b"", "unrecognized arguments: --jsonl"),
        ([], b"", "nothing to answer: no text was given, and standard input is empty"),
        ([], b"Anna\n\xff\xfe\n", "input 2: 'utf-8' codec can't decode byte 0xff in position 0: "),
        (["--json"], b'"Anna"\nAnna\n', f"input 2: Expecting value: line 1 column 1 (char 0); {WANTED}"),
        (["--json", "[" * 100_000], b"", "input 1: maximum recursion depth exceeded"),
        (["--json", "3"], b"", f"input 1: 'text' should be a text; {WANTED}"),
        (["--json", '{"context": "Anna"}'], b"", f"input 1: 'text' should be a text; {WANTED}"),
        (["--json", '{"text": 3}'], b"", f"input 1: 'text' should be a text; {WANTED}"),
        (["--json", '{"text": "Anna", "pair": 3}'], b"", f"input 1: 'pair' should be a text; {WANTED}"),
        (["--json", '{"text": "\\ud800"}'], b"", "input 1: 'utf-8' codec can't encode character '\\ud800'"),
        (["\udcff"], b"", "input 1: 'utf-8' codec can't encode character '\\udcff'"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    lines: bytes,
    said: str,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        asked(bundle, monkeypatch, *arguments, lines=lines)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"answer.py: error: {said}")


@pytest.mark.parametrize("fault", [ValueError, TypeError, KeyError, RuntimeError])
def test_what_is_no_mistake_in_an_input_keeps_its_traceback(
    fault: type[Exception], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: list[int]) -> list[float]:
        raise fault("our own")

    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: Session(run))
    with pytest.raises(fault, match="our own"):
        asked(bundle, monkeypatch, "Anna")


def test_texts_are_answered_as_arguments_and_as_lines(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(bundle, monkeypatch, "Anna", "See in.csv")
    asked(bundle, monkeypatch, lines="é\r\nin.csv".encode())
    asked(bundle, monkeypatch, "--json", '{"text": "Anna", "pair": null}', '"Anna\\n"')
    asked(bundle, monkeypatch, "--", "--json is not a text")
    labels = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert labels == ["long", "long", "short", "long", "long", "long", "long"]


class Closed(io.RawIOBase):
    """A pipe whose reader has ended."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_reader_that_has_enough_is_no_mistake(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Closed(), write_through=True))  # type: ignore[type-var]
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as ended:
        asked(bundle, monkeypatch, "Anna", "Boris")
    assert ended.value.code == 141
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        {"text": "Anna saw Rome", "first": [-13, -9], "second": [9, 13]},
        {"text": "Anna saw Rome", "first": [4, 0], "second": [9, 13]},
        {"text": "Anna saw Rome", "first": [0, 4], "second": [9, 14]},
        {"text": "Anna saw Rome", "first": [0, 8], "second": [4, 13]},
        {"text": "Anna saw Rome", "first": [0, 0], "second": [9, 13]},
        {"text": "Anna saw Rome", "first": [0, 4]},
        {"text": "Anna saw Rome", "first": [0, 4, 9], "second": [13]},
        {"text": "Anna saw Rome", "first": [0, 4], "second": [9, 12.5]},
        {"text": "Anna saw Rome", "first": ["0", "4"], "second": ["9", "13"]},
        {"text": "Anna saw Rome", "first": 4, "second": [9, 13]},
        {"text": "Anna saw Rome"},
        {"text": "<e1>Anna</e1> saw Rome"},
        {"text": "</e1>Anna<e1> saw <e2>Rome</e2>"},
        {"text": "<e1>Anna</e1> <e1>saw</e1> <e2>Rome</e2>"},
    ],
)
def test_spans_that_are_none_are_refused(given: dict[str, Any]) -> None:
    """Slices of Python take them, so that a wrong text would be answered."""
    tokenizer, head = single_bytes(), MarkedHead(["in", "of"])
    part = parts_of("marked", [])
    laid, reader = marked.settings(head, tokenizer, 40), reader_of(tokenizer)
    session = Session(lambda ids: np.zeros((len(ids), 4)))
    for right in ({"text": "Anna saw Rome", "first": [9, 13], "second": [0, 4]}, {"text": "<e1>a</e1><e2>b</e2>"}):
        assert part["answer"](right, laid, reader, session)["label"] == "in"
    with pytest.raises(part["InputError"], match="should"):
        part["answer"](given, laid, reader, session)


@pytest.mark.parametrize("wrong", ["no", ["no"], {"no": 1, "yes": 2}, ["no", ""], ["no", " "], ["no", 3], 3, None])
def test_candidates_that_are_no_list_of_texts_are_refused(wrong: object) -> None:
    """As by `tasks.reading.choices.texts`, which reads the inputs of `pefbench predict`."""
    part = parts_of("choice", ["keep_end"])
    with pytest.raises(part["InputError"], match="candidates should be a list of at least two texts"):
        part["answer"]({"context": "a", "candidates": wrong}, {"candidates": []}, None, None)


@pytest.mark.parametrize("wrong", ["Hello", [["user"]], [["user", 3]], 3])
def test_a_history_that_is_none_is_refused(wrong: object) -> None:
    part = parts_of("generation", ["lines", "keep_end"])
    with pytest.raises(part["InputError"], match=r"history should be a list of \[role, text\]"):
        part["answer"]({"prompt": "a", "history": wrong}, {}, None, None)


@pytest.mark.parametrize("wrong", [["", "Anna"], [" "], {"Anna": 1}, ["Anna", None], None])
def test_tokens_that_are_no_words_are_refused(wrong: object) -> None:
    part = parts_of("token", ["entities"])
    with pytest.raises(part["InputError"], match="tokens should be a list of words"):
        part["answer"]({"tokens": wrong}, {"space": ""}, None, None)


def test_help_says_how_it_is_asked(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        asked(bundle, monkeypatch, "--help")
    assert ended.value.code == 0
    assert "With --json, each input is JSON" in capsys.readouterr().out


def test_a_damaged_bundle_is_said(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "tokenizer.json").write_text("{", encoding="utf8")
    with pytest.raises(SystemExit) as ended:
        asked(bundle, monkeypatch, "A text")
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("answer.py: error: damaged bundle: ")


@pytest.mark.parametrize(
    ("text", "is_one"), [("a/b.CSV.gz", True), ("in.jsonl", True), ("see in.csv", False), ("1.5", False)]
)
def test_a_files_name_is_known_by_its_end(text: str, is_one: bool) -> None:
    assert names_a_file(text) is is_one
