"""The ChatterBot corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

TRIVIA = """\
categories:
- trivia
- facts
conversations:
- - When was it?
  - 1963
  - Yes
- - Où ?
  - |
    Here:

      code
"""


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return f"file:{folder}"


def test_a_row_is_a_conversation_and_turns_are_text_as_written(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about", encoding="utf-8")
    rows = read_rows(write(tmp_path, trivia=TRIVIA, ai="conversations:\n- [Hi, Hello]\n"), format="chatterbot")
    assert rows.columns == ("category", "turns")
    assert [(row.where, *row.values.values()) for row in rows.rows] == [
        ("ai.yml:2", "ai", ["Hi", "Hello"]),
        ("trivia.yml:5", "trivia", ["When was it?", "1963", "Yes"]),
        ("trivia.yml:8", "trivia", ["Où ?", "Here:\n\n  code"]),
    ]


@pytest.mark.parametrize("conversation", ["- alone", "- In bingo?\n  - '22'", "- [a, [b, c]]", "- {a: b}", "- [a, '']"])
def test_a_bad_conversation_is_named_or_left_out(tmp_path: Path, conversation: str) -> None:
    source = write(tmp_path, x=f"conversations:\n- [a, b]\n{conversation}\n- [c, d]\n")
    message = refusal(DataError, read_rows, source, format="chatterbot")
    assert message == "x.yml:3: should be a list of two or more turns of text"
    bad = BadRows(skip=True)
    assert [row.values["turns"] for row in read_rows(source, format="chatterbot", bad=bad).rows] == [
        ["a", "b"],
        ["c", "d"],
    ]
    assert bad.found == [message]


def test_tags_that_would_make_objects_make_text(tmp_path: Path) -> None:
    text = "conversations:\n- - hello\n  - !!python/object/apply:os.system ['touch owned']\n- [a, !!int b]\n"
    bad = BadRows(skip=True)
    [row] = read_rows(write(tmp_path, x=text), format="chatterbot", bad=bad).rows
    assert row.values["turns"] == ["a", "b"]
    assert len(bad.found) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conversations:\n- [a, b]\n- a: b: c\n", "x.yml:3: not YAML"),
        ("conversations: many\n", "x.yml: should be a mapping with a list of lists under 'conversations'"),
        ("- [a, b]\n", "x.yml: should be a mapping"),
        ("", "x.yml: should be a mapping"),
        ("conversations:\n- [a, \x00]\n", "x.yml: not YAML"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusal(DataError, read_rows, write(tmp_path, x=text), format="chatterbot").startswith(expected)


def test_a_folder_is_wanted_and_yaml_in_it(tmp_path: Path) -> None:
    source = write(tmp_path, x=TRIVIA)
    for chosen in (
        lambda: read_rows(source, "x.yml", format="chatterbot"),
        lambda: read_rows(f"{source}/x.yml", format="chatterbot"),
    ):
        assert refusal(SourceError, chosen) == (
            "x.yml: the format chatterbot reads a folder; name the folder, not a file in it"
        )
    (tmp_path / "x.yml").rename(tmp_path / "x.json")
    message = refusal(SourceError, read_rows, source, format="chatterbot")
    assert message.endswith("should hold *.yml or *.yaml; it has x.json")
