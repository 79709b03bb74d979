"""Reads the text of a file: unpacks it if it is compressed, and decodes it."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources.limits import Unpacked

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark -> its encoding."""
BINARY = {b"PK\x03\x04": "a workbook of Excel (.xlsx)", b"\x1f\x8b": "a gzip file (.gz)", b"PAR1": "Parquet (.parquet)"}
"""The first bytes of files that are sometimes misnamed .csv -> what they are."""
NOT_OF_FILES = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
CHUNK = 1 << 20
SAMPLE = 1000
"""How many characters are checked for signs of UTF-16."""
LFS = b"version https://git-lfs.github.com/spec/"
"""The beginning of the pointer file that Git LFS stores in place of a large file."""
WESTERN, WINDOWS = "iso8859-1", "cp1252"
"""Latin-1 and its Windows variant. They differ only in the bytes 0x80 to 0x9f, which are not characters in Latin-1."""
CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
"""Control characters that text files do not contain; 0x85 is a line end on some mainframes."""


class EncodingError(DataError):
    """The bytes are not text in the expected encoding.

    The message advises UTF-8, which works everywhere. in_recipe: the message for recipes, which can set
    `data.encoding`.
    """

    def __init__(self, wrong: str, advice: str) -> None:
        super().__init__(f"{wrong}; save the file as UTF-8")
        self.in_recipe = f"{wrong}; {advice}"


def read_text(path: Path, name: str, encoding: str = "utf-8") -> str:
    """The text of a file. name: for messages. Raises SourceError or DataError."""
    return decode(read_bytes(path, name), name, encoding)


def read_bytes(path: Path, name: str) -> bytes:
    """The bytes of a file, unpacked if its name ends in ``.gz``. Raises SourceError or DataError."""
    try:
        data = _unpacked(path, name) if name.lower().endswith(".gz") else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name}: not gzip, or cut short: {error}") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}") from None
    if data.startswith(LFS):
        raise DataError(f"{name}: a Git LFS pointer, not the file itself; fetch it with git lfs pull")
    return data


def _unpacked(path: Path, name: str) -> bytes:
    """The content of a gzip file, read in chunks so that exceeding the limit is detected early."""
    limit = Unpacked(name, path.stat().st_size)
    chunks = []
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            limit.add(len(chunk))
            chunks.append(chunk)
    return b"".join(chunks)


def decode(data: bytes, name: str, encoding: str) -> str:
    """Decode, and drop a byte order mark. Raises EncodingError.

    Encodings are never guessed, but a byte order mark of UTF-16 or UTF-32, which no UTF-8 text contains, replaces
    UTF-8. A mark that contradicts any other encoding is an error.
    """
    mark, marked = next(((mark, found) for mark, found in MARKS.items() if data.startswith(mark)), (b"", encoding))
    if mark and not _agree(encoding, marked):
        if codecs.lookup(encoding).name != "utf-8":
            raise EncodingError(
                f"{name}: begins with the byte order mark of {marked.upper()}, which is not {encoding.upper()}",
                f"data.encoding={marked} reads it",
            )
        encoding = marked
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, errors="replace").count("\n") + 1
        raise EncodingError(
            f"{name}:{line}: not {encoding.upper()} (byte 0x{data[error.start]:02x})", _right_encoding(data)
        ) from None
    except UnicodeError as error:  # for example UTF-16 without a mark
        raise EncodingError(
            f"{name}: not {encoding.upper()}: {str(error)[:100]}", "name the file's encoding: data.encoding"
        ) from None
    _refuse_utf_16(text, name)
    if codecs.lookup(encoding).name == WESTERN:
        _refuse_controls(text, data, name)
    return text if "\n" in text else text.replace("\r", "\n")  # old Mac line ends


def _right_encoding(data: bytes) -> str:
    """Advice for bytes that are not in the given encoding."""
    if (kind := next((kind for mark, kind in BINARY.items() if data.startswith(mark)), None)) is not None:
        return f"it begins like {kind}; give the file that suffix"
    if b"\0" in data:
        return "it has NUL bytes: a binary file, or text in UTF-16 (data.encoding=utf-16-le or utf-16-be)"
    western = f"{WINDOWS} for western European text, else " if _reads(data, WINDOWS) else ""
    return f"name the file's encoding with data.encoding: {western}such as cp1251, shift_jis or gb18030"


def _refuse_utf_16(text: str, name: str) -> None:
    """Raise EncodingError if every other character is NUL, as when UTF-16 without a mark is read as UTF-8."""
    begins = text[:SAMPLE]
    for first, right in enumerate(("utf-16-be", "utf-16-le")):
        if len(begins) > 1 and 2 * begins[first::2].count("\0") > len(begins[first::2]):
            raise EncodingError(
                f"{name}: every other character is NUL, as in UTF-16", f"data.encoding={right} may read it"
            )


def _refuse_controls(text: str, data: bytes, name: str) -> None:
    """Raise EncodingError for Windows-1252 read as Latin-1, which would lose its quotes and its euro sign."""
    found = CONTROLS.search(text)
    if found is not None and _reads(data, WINDOWS):
        line = text.count("\n", 0, found.start()) + 1
        raise EncodingError(
            f"{name}:{line}: byte 0x{ord(found[0]):02x} is not a character in Latin-1, but "
            f"{found[0].encode('latin-1').decode(WINDOWS)!r} in {WINDOWS}",
            f"data.encoding={WINDOWS} reads the file",
        )


def _reads(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _agree(encoding: str, marked: str) -> bool:
    return codecs.lookup(encoding).name.startswith(marked)  # utf-8-sig, utf-16-le


def check_encoding(name: str) -> None:
    """Raise SourceError for an encoding that Python does not know or that is not for text files."""
    try:
        known = codecs.lookup(name).name.replace("-", "_") not in NOT_OF_FILES
        b"text".decode(name)
    except UnicodeDecodeError:
        pass  # an encoding with several bytes per character
    except (LookupError, ValueError):
        known = False
    if not known:
        raise SourceError(f"unknown encoding {name!r}; usual ones are utf-8, utf-16, latin-1 and cp1252")
