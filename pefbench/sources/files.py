"""Files and folders of this machine: find the one that is meant, and read it by its format."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError, suggest
from pefbench.sources.conll import read_conll
from pefbench.sources.parquet import read_parquet
from pefbench.sources.records import read_csv, read_json, read_jsonl, read_tsv
from pefbench.sources.trec import read_trec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.sources.rows import BadRows, Rows

TEXT_READERS = {
    "conll": read_conll,
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "tsv": read_tsv,
    "trec": read_trec,
}
FORMATS = (*TEXT_READERS, "parquet")
SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
TEXT_SUFFIXES = (".conll", ".iob", ".bio", ".txt")


def existing(path: Path, source: str, root: Path | None = None) -> Path:
    """Return the path when it is there, else raise SourceError with what is. root: what messages leave out."""
    if path.exists():
        return path
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    shown = folder.relative_to(root) if root else folder
    missing = path.relative_to(folder).parts[0]
    if not folder.is_dir():
        raise SourceError(f"{source}: {shown} is a file, not a folder")
    there = near(missing, [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")])
    if shown == Path():
        shown = Path("the wheel" if root else "the working directory")
    raise SourceError(f"{source}: no {missing!r} in {shown}; {there}")


def near(name: str, valid: Sequence[str]) -> str:
    """Return the nearest names and a listing of a few, for messages about long folders."""
    close = difflib.get_close_matches(name, valid, n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{guess}it has {listing(valid)}"


def listing(names: Sequence[str], limit: int = 12) -> str:
    """Return the names in order on one line, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(sorted(names)[:limit]) + more or "nothing"


def names(path: Path) -> list[str]:
    """Return the visible files below a folder, relative to it and sorted; of a file, its own name."""
    if path.is_file():
        return [path.name]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return sorted(file.as_posix() for file in inside if not any(part.startswith(".") for part in file.parts))


def choose(path: Path, part: str | None, source: str) -> tuple[Path, str]:
    """Return the file that `part` names in a source, and its name relative to the source.

    Without a part it is the file itself, or a folder's only one that looks like data. Raises SourceError.
    """
    if path.is_file():
        if part not in {None, path.name}:
            raise SourceError(f"{source}: is one file and has no part {part!r}; name its folder as the source instead")
        return path, path.name
    if part is None:
        part = _only(names(path), source)
    elif PurePosixPath(part).is_absolute() or ".." in PurePosixPath(part).parts:
        raise SourceError(f"{source}: the part {part!r} must lie inside the source")
    file = path / part
    if not file.is_file():
        raise SourceError(f"{source}: has no file {part!r}; {near(part, names(path))}")
    return file, part


def _only(valid: Sequence[str], source: str) -> str:
    data = [name for name in valid if _suffix(name) in SUFFIXES or _suffix(name) in TEXT_SUFFIXES] or valid
    if len(data) != 1:
        raise SourceError(f"{source}: name the file to read in this folder; it has {listing(data)}")
    return data[0]


def _suffix(name: str) -> str:
    """Return the suffix in lower case, the one before ``.gz`` for a compressed file."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def check_digest(path: Path, source: str, sha256: str | None) -> None:
    """Raise SourceError when a digest is given and the file has another."""
    if sha256 is not None and (found := digest_of(path)) != plain_digest(sha256, source):
        raise SourceError(f"{source}: {path.name} has sha256 {found} where {plain_digest(sha256, source)} is expected")


def plain_digest(sha256: str, source: str) -> str:
    """Return 64 lower-case hex digits; pip's ``sha256:`` in front is dropped. Raises SourceError."""
    plain = sha256.strip().lower().removeprefix("sha256:")
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise SourceError(f"{source}: {sha256!r} is not a sha256, which has 64 hex digits")
    return plain


def digest_of(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_format(name: str) -> None:
    """Raise SourceError for a format that there is not."""
    if name not in FORMATS:
        raise SourceError(f"unknown format {name!r}; {suggest(name, FORMATS)}")


def check_encoding(name: str) -> None:
    """Raise SourceError for an encoding that Python does not know, or that is not one of text."""
    try:
        b"text".decode(name)
    except UnicodeDecodeError:
        pass  # one of several bytes a character
    except (LookupError, ValueError):
        raise SourceError(f"unknown encoding {name!r}; usual ones are utf-8, utf-16, latin-1 and cp1252") from None


def read_file(
    path: Path,
    name: str,
    bad: BadRows,
    *,
    format: str | None,  # noqa: A002
    text_format: str,
    encoding: str,
) -> Rows:
    """Read a file under the name that messages give it. Raises SourceError or DataError."""
    chosen = format or SUFFIXES.get(_suffix(name), text_format)
    data = _read_bytes(path, name)
    if chosen == "parquet":
        return read_parquet(data, name)
    return TEXT_READERS[chosen](_decode(data, name, encoding), name, bad)


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}") from None
    if not name.lower().endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: not gzip, or cut short: {error}") from None


def _decode(data: bytes, name: str, encoding: str) -> str:
    """Decode, and drop a byte order mark; another encoding than the given one is never guessed."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, errors="replace").count("\n") + 1
        raise DataError(
            f"{name}:{line}: not {encoding.upper()} (byte 0x{data[error.start]:02x}); "
            "name the file's encoding with data.encoding, such as latin-1"
        ) from None
