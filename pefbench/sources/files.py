"""Files and folders of this machine: find the one that is meant, and read it by its format."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import SourceError, suggest
from pefbench.sources.derived.docstring_functions import read_functions
from pefbench.sources.derived.docstring_summaries import read_summaries
from pefbench.sources.derived.docstrings import read_entities, read_parameters
from pefbench.sources.derived.home_assistant import is_home_assistant, read_home_assistant
from pefbench.sources.derived.wordnet_relations import read_wordnet_relations
from pefbench.sources.folders import listing
from pefbench.sources.formats.chatterbot import read_chatterbot
from pefbench.sources.formats.clinc import is_clinc, read_clinc
from pefbench.sources.formats.conll import read_conll
from pefbench.sources.formats.gettext_catalogues import read_gettext
from pefbench.sources.formats.mind import read_mind
from pefbench.sources.formats.movielens import read_movielens
from pefbench.sources.formats.parallel import is_pair, read_parallel
from pefbench.sources.formats.parquet import read_parquet
from pefbench.sources.formats.phrasebank import read_phrasebank
from pefbench.sources.formats.pubmedqa import is_pubmedqa, read_pubmedqa
from pefbench.sources.formats.records import read_csv, read_json, read_jsonl, read_tsv
from pefbench.sources.formats.semeval import read_semeval
from pefbench.sources.formats.squad import is_squad, read_squad
from pefbench.sources.formats.trec import read_trec
from pefbench.sources.formats.tsv_no_header import read_tsv_no_header
from pefbench.sources.formats.wordnet import read_wordnet
from pefbench.sources.texts import decode, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.sources.rows import BadRows, Rows

TEXT_READERS = {
    "conll": read_conll,
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "tsv": read_tsv,
    "tsv_no_header": read_tsv_no_header,
    "trec": read_trec,
    "semeval": read_semeval,
    "squad": read_squad,
    "clinc": read_clinc,
    "pubmedqa": read_pubmedqa,
    "phrasebank": read_phrasebank,
    "home_assistant": read_home_assistant,
}
JSON_LAYOUTS = {  # known by their content
    "squad": is_squad,
    "clinc": is_clinc,
    "pubmedqa": is_pubmedqa,
    "home_assistant": is_home_assistant,
}
FORMATS_WITH_SPLITS = ("clinc",)  # whose readers take `FILE#SPLIT`
FOLDER_READERS = {
    "movielens": read_movielens,
    "mind": read_mind,
    "chatterbot": read_chatterbot,
    "wordnet": read_wordnet,
    "wordnet_relations": read_wordnet_relations,
    "docstring_entities": read_entities,
    "docstring_parameters": read_parameters,
    "docstring_functions": read_functions,
    "docstring_summaries": read_summaries,
    "gettext": read_gettext,
}
FORMATS = (*TEXT_READERS, "parquet", *FOLDER_READERS)
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


def names(path: Path) -> list[str]:
    """Return the visible files below a folder, relative to it and sorted; of a file, its own name."""
    if path.is_file():
        return [path.name]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return sorted(file.as_posix() for file in inside if not any(part.startswith(".") for part in file.parts))


def choose(path: Path, part: str | None, source: str) -> tuple[Path, str]:
    """Return the file or folder that `part` names in a source, and its name relative to the source.

    Without a part it is the source itself, whose name is "" where it is a folder. A part may also be a split inside a
    file: then the name is ``FILE#SPLIT``; or two files with parallel text, ``FILE+FILE``: then the path is that of the
    folder. Whether the format has what is chosen is for `read_file` to say. Raises SourceError.
    """
    if path.is_file():
        return path, path.name if part in {None, path.name} else f"{path.name}#{part}"
    if part is None:
        return path, ""
    if PurePosixPath(part).is_absolute() or ".." in PurePosixPath(part).parts:
        raise SourceError(f"{source}: the part {part!r} must lie inside the source")
    if is_pair(path, part):
        return path, part
    for inside in (part, part.rpartition("#")[0]):
        if inside and (path / inside).exists():
            return path / inside, part
    raise SourceError(f"{source}: has no file {part!r}; {near(part, names(path))}")


def _only(valid: Sequence[str], source: str) -> str:
    data = [name for name in valid if _suffix(name) in SUFFIXES or _suffix(name) in TEXT_SUFFIXES] or valid
    if len(data) != 1:
        raise SourceError(f"{source}: name the file to read in this folder; it has {listing(data)}")
    return data[0]


def _suffix(name: str) -> str:
    """Return the suffix in lower case, the one before ``.gz`` for a compressed file."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def check_digest(path: Path, source: str, sha256: str | None) -> None:
    """Raise SourceError when a digest is given and the file, or the only one of a folder, has another."""
    if sha256 is not None and path.is_dir():
        path /= _only(names(path), source)
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
    """Read what `choose` chose, under the name that messages give it.

    A folder is read by the reader of its format, or else its only file that looks like data is. Raises SourceError or
    DataError.
    """
    if path.is_dir():
        if is_pair(path, name):
            return _pair(path, name, bad, format, encoding)
        if folder_format := _folder_format(path, format, text_format):
            return FOLDER_READERS[folder_format](path, name, bad)
        only = _only(names(path), name or path.name)
        path, name = path / only, str(PurePosixPath(name, only))
    file = name if name.endswith(path.name) else name.rpartition("#")[0]
    split = name.removeprefix(file).removeprefix("#")
    chosen = format or SUFFIXES.get(_suffix(file), text_format)
    if chosen in FOLDER_READERS:
        raise SourceError(f"{file}: the format {chosen} is that of a folder; name the folder, not a file in it")
    data = read_bytes(path, file)
    if chosen == "parquet":
        _refuse_split(file, split)
        return read_parquet(data, file)
    text = decode(data, file, encoding)
    if format is None and chosen == "json":
        chosen = next((layout for layout, fits in JSON_LAYOUTS.items() if fits(text)), chosen)
    if chosen in FORMATS_WITH_SPLITS:  # the # also without a split, for one may be in the file's own name
        return TEXT_READERS[chosen](text, f"{file}#{split}", bad)
    _refuse_split(file, split)
    return TEXT_READERS[chosen](text, file, bad)


def _pair(folder: Path, name: str, bad: BadRows, named: str | None, encoding: str) -> Rows:
    if named is not None:
        raise SourceError(f"{name}: two files joined by + are parallel text, not {named}")
    return read_parallel(folder, name, bad, encoding)


def _refuse_split(file: str, split: str) -> None:
    if split:
        raise SourceError(f"{file}: is one file and has no part {split!r}; name its folder as the source instead")


def _folder_format(path: Path, named: str | None, text_format: str) -> str | None:
    """Return the format of a folder as a whole: the recipe's, or the task's unless the folder has one table."""
    if named is not None:
        return named if named in FOLDER_READERS else None
    tables = [name for name in names(path) if _suffix(name) in SUFFIXES]
    return text_format if text_format in FOLDER_READERS and len(tables) != 1 else None
