"""Bytes to text: byte order marks, invalid encodings, and compressed files that expand without limit."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError, SourceError
from pefbench.sources import limits
from pefbench.sources.texts import EncodingError, check_encoding, decode, read_bytes
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path


def advice(data: bytes, encoding: str) -> str:
    """What a recipe's user is told, and that everybody is told to save the file as UTF-8."""
    with pytest.raises(EncodingError) as caught:
        decode(data, "x.csv", encoding)
    told, in_recipe = str(caught.value), caught.value.in_recipe
    assert told == f"{in_recipe.partition(';')[0]}; save the file as UTF-8"
    assert "\n" not in in_recipe
    return in_recipe


TEXT = "caf\u00e9 \u6771\u4eac"


@pytest.mark.parametrize("written", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_utf_8_from_the_others(written: str) -> None:
    assert decode(TEXT.encode(written), "x.csv", "utf-8") == TEXT
    assert decode(TEXT.encode(written), "x.csv", written) == TEXT
    marked = TEXT.encode(written)
    message = advice(marked, "cp1252")
    assert message.startswith("x.csv: begins with the byte order mark of UTF-")
    assert "data.encoding=utf-" in message


def test_a_mark_in_the_middle_stays() -> None:
    assert decode("\ufeffa\ufeffb".encode(), "x.csv", "utf-8") == "a\ufeffb"
    assert decode("\ufeffa".encode("utf-16-le"), "x.csv", "utf-16-le") == "a"


@pytest.mark.parametrize(
    ("data", "right"),
    [
        ("caf\u00e9 \u20ac5".encode("cp1252"), "data.encoding: cp1252 for western European text, else such as cp1251,"),
        ("\u6771\u3001\u90fd".encode("shift_jis"), "with data.encoding: such as cp1251, shift_jis or gb18030"),
        ("\u00e9t\u00e9".encode("utf-16-le"), "text in UTF-16 (data.encoding=utf-16-le or utf-16-be)"),
    ],
)
def test_the_encoding_that_is_named_reads_the_file(data: bytes, right: str) -> None:
    assert right in advice(b"a\n" + data, "utf-8")


def test_latin_1_does_not_turn_a_euro_sign_into_a_control_character() -> None:
    data = "a\ncaf\u00e9 \u20ac5".encode("cp1252")
    message = advice(data, "latin-1")
    assert message == (
        "x.csv:2: byte 0x80 is not a character in Latin-1, but '\u20ac' in cp1252; data.encoding=cp1252 reads the file"
    )
    assert decode(data, "x.csv", "cp1252") == "a\ncaf\u00e9 \u20ac5"
    assert decode(b"caf\xe9", "x.csv", "ISO-8859-1") == "caf\u00e9"
    assert decode(b"\x81\xe9", "x.csv", "latin-1") == "\x81\u00e9"  # no character in cp1252 either


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_no_utf_8(encoding: str) -> None:
    message = advice("text,label\nfine,1\n".encode(encoding), "utf-8")
    assert message == f"x.csv: every other character is NUL, as in UTF-16; data.encoding={encoding} may read it"


def test_a_pointer_of_git_lfs_is_not_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", encoding="utf8")
    assert "x.parquet: a Git LFS pointer, not the file itself" in refusal(DataError, read_bytes, file, "x.parquet")


def test_the_line_ends_of_old_macs_are_line_ends() -> None:
    assert decode(b"a\rb\r", "x.csv", "utf-8") == "a\nb\n"
    assert decode(b"a\rb\r\n", "x.csv", "utf-8") == "a\rb\r\n"


@given(st.binary(max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-7", "latin-1", "shift_jis"]))
def test_any_bytes_are_text_or_refused(data: bytes, encoding: str) -> None:
    try:
        decode(data, "x.csv", encoding)
    except DataError as error:
        assert str(error).startswith("x.csv")  # noqa: PT017


@pytest.mark.parametrize("encoding", ["idna", "punycode", "unicode_escape", "raw-unicode-escape", "rot13", "base64"])
def test_codecs_that_are_not_of_files(encoding: str) -> None:
    assert "unknown encoding" in refusal(SourceError, check_encoding, encoding)


def test_a_gzip_file_that_grows_is_refused_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALWAYS", 4 << 20)
    file = tmp_path / "x.csv.gz"
    file.write_bytes(gzip.compress(bytes(64 << 20)))
    tracemalloc.start()
    message = refusal(DataError, read_bytes, file, "x.csv.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message == "x.csv.gz: unpacks to more than 6 MiB, over 100 times its size; refused"
    assert peak < 16 << 20


def test_a_file_that_packs_as_text_does_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALWAYS", 1 << 10)
    content = "".join(f"{number} {number * 7919 % 1009}\n" for number in range(10_000)).encode()
    file = tmp_path / "x.csv.gz"
    file.write_bytes(gzip.compress(content))
    assert read_bytes(file, "x.csv.gz") == content


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(b"text,label", mtime=0), "a gzip file (.gz)"),
        (b"PK\x03\x04\x14\x00\xff", "a workbook of Excel (.xlsx)"),
        (b"PAR1\x15\xff", "Parquet (.parquet)"),
    ],
    ids=["gzip", "Excel", "Parquet"],
)
def test_a_file_that_is_no_text_is_recognised_under_any_name(data: bytes, kind: str) -> None:
    assert f"it begins like {kind}; give the file that suffix" in advice(data, "utf-8")
