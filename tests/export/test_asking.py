"""What a bundle's script is asked by mistake is one line and status 2."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.export.bundle import asking
from pefbench.export.script import script
from pefbench.file_names import names_a_file

if TYPE_CHECKING:
    from pathlib import Path


def answer(_: object, given: Any) -> dict[str, Any]:
    text = given if isinstance(given, str) else given["text"]
    return {"length": len(text + "")}


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str, lines: bytes = b"") -> None:
    monkeypatch.setattr(asking, "opened", object)
    monkeypatch.setattr(sys, "argv", ["answer.py", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    asking.main(answer)


@pytest.mark.parametrize(
    ("arguments", "lines", "said"),
    [
        (["inputs.jsonl"], b"", "inputs.jsonl: looks like a file; < inputs.jsonl reads its lines"),
        (["A text", "--jsonl"], b"", "--jsonl: unknown option; there is only --json"),
        ([], b"", "nothing to answer: no text was given, and standard input is empty"),
        ([], b"Anna\n\xff\xfe\n", "input 2: is not UTF-8 text"),
        (["--json"], b'"Anna"\nAnna\n', "input 2: with --json an input is a text in quotes or an object"),
        (["--json", "[" * 100_000], b"", "input 1: with --json an input is a text in quotes or an object"),
        (["--json", "3"], b"", "input 1: with --json an input is a text in quotes or an object"),
        (["--json", '{"context": "Anna"}'], b"", "input 1: has no 'text'"),
        (["--json", '{"text": 3}'], b"", "input 1: has something else where a text is needed"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    lines: bytes,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        asked(monkeypatch, *arguments, lines=lines)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {said}")


def test_texts_are_answered_as_arguments_and_as_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(monkeypatch, "Anna", "See in.csv")
    asked(monkeypatch, lines="é\r\nin.csv".encode())
    asked(monkeypatch, "--json", '{"text": "Anna"}')
    assert [json.loads(line)["length"] for line in capsys.readouterr().out.splitlines()] == [4, 10, 1, 6, 4]


def test_a_damaged_bundle_is_said(tmp_path: Path) -> None:
    (tmp_path / "answer.py").write_text(script("sequence"), encoding="utf8")
    (tmp_path / "bundle.json").write_text("{}", encoding="utf8")
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf8")
    command = [sys.executable, "-I", str(tmp_path / "answer.py"), "A text"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: the bundle is damaged: ")


@pytest.mark.parametrize(
    ("text", "is_one"), [("a/b.CSV.gz", True), ("in.jsonl", True), ("see in.csv", False), ("1.5", False)]
)
def test_a_files_name_is_known_by_its_end(text: str, is_one: bool) -> None:
    assert names_a_file(text) is is_one
