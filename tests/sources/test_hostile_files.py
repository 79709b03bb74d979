"""Malicious files: nesting that overflows C's stack, endless numbers, exploding grammars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.sources import read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

DOCSTRING = b'"""x :class:`A` y\n"""\n'


def grammar(sentence: str, *, lists: str = "", rules: str = "") -> bytes:
    return (
        f'{{"language": "en", "lists": {{{lists}}}, "expansion_rules": {{{rules}}}, '
        f'"intents": {{"I": {{"data": [{{"sentences": ["{sentence}"]}}]}}}}}}'
    ).encode()


RULES = ", ".join(f'"r{at}": "<r{at + 1}> <r{at + 1}>"' for at in range(60))


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("x.yml", b"conversations: " + b"[" * 100_000, "chatterbot"),
        ("x.yml", b"conversations:\n" + b"- " * 3000 + b"a\n", "chatterbot"),
        ("x.yml", b"a: &a [x, x]\nb: &b [*a, *a]\nconversations: [*b]\n", "chatterbot"),
        ("de/LC_MESSAGES/x.po", b'msgid "a"\nmsgstr "b"\n\0\n', "gettext"),
        ("p/m.py", DOCSTRING + b"(" * 10_000, "docstring_entities"),
        ("p/m.py", DOCSTRING + b"x = " + b"-" * 100_000 + b"1", "docstring_entities"),
        ("p/m.py", DOCSTRING + b"x = " + b"9" * 5000, "docstring_entities"),
        ("x.json", grammar("(" * 5000), None),
        ("x.json", grammar("(a;b;c;d;e;f;g;h;i;j;k;l)"), None),
        ("x.json", grammar("<r0>", rules=RULES), None),
        ("x.json", grammar("{n}", lists='"n": {"range": {"from": 0, "to": 1000000000000}}'), None),
    ],
    ids=lambda value: str(value)[:16],
)
def test_a_hostile_file_is_refused_in_a_line(tmp_path: Path, name: str, content: bytes, format_: str | None) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(content)
    refusal(DataError, read_rows, f"file:{tmp_path}", format=format_)
