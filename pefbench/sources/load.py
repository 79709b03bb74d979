"""Reads rows from a source: finds the requested file or split and reads it by its format."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources import annotated, byte_texts, features, files, readers, tables, unreadable
from pefbench.sources.documents import are_json_lines, is_json
from pefbench.sources.formats import conll, json, jsonl, parallel
from pefbench.sources.places import local, refuse_digest
from pefbench.sources.reader import BytesReader, FolderReader, LayoutReader, PairReader
from pefbench.sources.rows import BadRows
from pefbench.sources.texts import check_encoding, decode, read_bytes
from pefbench.sources.transport import hub
from pefbench.sources.transport.address import FileAddress, HubAddress, parse_address
from pefbench.sources.transport.digests import check_digest
from pefbench.sources.transport.local import names

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.reader import TextReader
    from pefbench.sources.rows import Rows


def read_rows(
    source: str,
    part: str | None = None,
    *,
    config: str | None = None,
    revision: str | None = None,
    format: str | None = None,  # noqa: A002 - the recipe's name for it
    text_format: str = "conll",
    encoding: str = "utf-8",
    sha256: str | None = None,
    header: bool = True,
    bad: BadRows | None = None,
) -> Rows:
    """Read one file (``file:``, ``wheel:``) or one split (``hf:``) of a data source.

    part: a file in the folder or a split on the hub; None if there is only one. A part may also be a folder, or a split
    inside a file (CLINC150: ``train+oos_train``, ``FILE#train`` in a folder). config, revision: only for ``hf:``.
    format: the name of a format (`readers`), of a file or a folder; None: by the suffix, `text_format` if it is
    unknown. encoding: of text files, by Python's name. sha256: the required hash of the wheel, or of the file that is
    read. header: False if a table's first line is a row; its columns are then "0", "1", ... bad: handles bad rows;
    None: they are errors. Raises SourceError or DataError.
    """
    address = parse_address(source)
    readers.find(format or text_format)
    check_encoding(encoding)
    if isinstance(address, HubAddress):
        refuse_digest(source, sha256)
        rows = hub.read_split(address.name, part, config=config, revision=revision)
    else:
        path, name = files.choose(local(address, source, sha256), part, source)
        if isinstance(address, FileAddress) and sha256 is not None:
            check_digest(path / files.only_file(path, source) if path.is_dir() else path, source, sha256)
        rows = _read(
            path, name, bad or BadRows(), format=format, text_format=text_format, encoding=encoding, header=header
        )
    if not rows.rows:
        left_out = f"; {bad.told}" if bad is not None and bad.found else ""
        raise DataError(f"{source}{f' ({part})' if part else ''}: has no rows{left_out}")
    return rows


def parts(
    source: str, *, config: str | None = None, revision: str | None = None, sha256: str | None = None
) -> list[str]:
    """The files or the hub splits of a source, each a valid `part` of `read_rows`. Raises SourceError."""
    address = parse_address(source)
    if isinstance(address, HubAddress):
        refuse_digest(source, sha256)
        return hub.split_names(address.name, config=config, revision=revision)
    return names(local(address, source, sha256))


def _read(
    path: Path,
    name: str,
    bad: BadRows,
    *,
    format: str | None,  # noqa: A002
    text_format: str,
    encoding: str,
    header: bool,
) -> Rows:
    """Read the path that `files.choose` found. name: for messages.

    A folder is read by its format's reader; without one, its only file that looks like data is read.
    """
    if path.is_dir():
        if parallel.is_pair(path, name):
            return _read_pair(path, name, bad, format, encoding)
        if folder_format := _folder_format(path, format, text_format):
            return folder_format.read(path, name, bad)
        if layout := _layout(path, format):
            return layout.read(path, name, bad, encoding)
        only = files.only_file(path, name or path.name)
        path, name = path / only, str(PurePosixPath(name, only))
    return _read_file(path, name, bad, named=format, text_format=text_format, encoding=encoding, header=header)


def _read_file(
    path: Path, name: str, bad: BadRows, *, named: str | None, text_format: str, encoding: str, header: bool
) -> Rows:
    """Read one file. named: the recipe's format. name: for messages, possibly with ``#`` and a split."""
    file = name if name.endswith(path.name) else name.rpartition("#")[0]
    if named is None:
        unreadable.refuse(file)
    known = readers.by_suffix().get(readers.suffix_of(file))
    split = name.removeprefix(file).removeprefix("#")
    reader = _file_reader(named or known or text_format, file, header=header)
    data = read_bytes(path, file)
    if isinstance(reader, BytesReader):
        return reader.read(data, _shown(reader, file, split), bad)
    text = decode(data, file, encoding)
    if named is None and header:
        reader = _by_content(known, text, text_format) or reader
        _refuse_others(reader, known, text, file)
    rows = reader.read(text, _shown(reader, file, split), bad)
    return (
        byte_texts.decoded(annotated.unwrapped(_with_names(rows, path.parent), bad), bad) if reader.suffixes else rows
    )


def _by_text(text: str, text_format: str) -> TextReader | None:
    """For a file without a known suffix: the reader of JSON Lines, JSON or a table; None for `text_format`."""
    if are_json_lines(text):
        return jsonl.READER
    if is_json(text):
        return json.READER
    return tables.IN_TEXT if tables.is_table(text, text_format) else None


def _refuse_others(reader: TextReader, known: str | None, text: str, file: str) -> None:
    """Raise SourceError or DataError if a file's content shows a format that is not supported or not expected."""
    unreadable.refuse_webanno(text, file)
    if known is None:
        unreadable.refuse_markup(text, file)
        if reader is jsonl.READER:
            unreadable.refuse_other_than_json(text, file)


def _shown(reader: TextReader | BytesReader, file: str, split: str) -> str:
    """The file's name as the reader gets it. Raises SourceError for a split of a format without splits."""
    if reader.has_splits:  # add the # even without a split, because the file's own name may contain one
        return f"{file}#{split}"
    if split:
        raise SourceError(f"{file}: is a single file and has no part {split!r}; give its folder as the source")
    return file


def _by_content(known: str | None, text: str, text_format: str) -> TextReader | None:
    """The reader for a file's content, if the suffix does not determine it; None if the suffix is right.

    known: the suffix's format.
    """
    if known in (None, "json"):
        found = readers.by_content(text)
        return _by_text(text, text_format) if found is None and known is None else found
    if known == "jsonl" and text.lstrip().startswith("[") and is_json(text):
        return json.READER
    if known == "tsv" and text_format == "conll" and conll.are_columns(io.StringIO(text)):
        return conll.IN_TSV
    return None


def _file_reader(name: str, file: str, *, header: bool) -> TextReader | BytesReader:
    """The reader of a format for single files. Raises SourceError for other formats."""
    reader = readers.find(name)
    if isinstance(reader, FolderReader | LayoutReader):
        raise SourceError(f"{file}: the format {name} reads a folder; name the folder, not a file in it")
    if isinstance(reader, PairReader):
        raise SourceError(f"{file}: the format {name} reads two files; name both, as FILE+FILE")
    if header:
        return reader
    if reader.without_header is None:
        raise SourceError(f"{file}: data.header=false is for text tables (csv, tsv); the format {name} has no header")
    return replace(reader, read=reader.without_header)  # type: ignore[arg-type]  # it is of the reader's own kind


def _with_names(rows: Rows, folder: Path) -> Rows:
    """Rows whose integer labels are named by a file in the same folder."""
    file, types = features.beside(folder)
    return features.name_labels(rows, types, file) if types else rows


def _read_pair(folder: Path, name: str, bad: BadRows, named: str | None, encoding: str) -> Rows:
    if named is not None and not isinstance(readers.find(named), PairReader):
        raise SourceError(f"{name}: two files joined by + are parallel text, not {named}")
    return parallel.read_parallel(folder, name, bad, encoding)


def _layout(path: Path, named: str | None) -> LayoutReader | None:
    """The layout reader named by the recipe's format, or else recognised by the folder's files."""
    if named is None:
        return readers.by_layout(path)
    reader = readers.find(named)
    return reader if isinstance(reader, LayoutReader) else None


def _folder_format(path: Path, named: str | None, text_format: str) -> FolderReader | None:
    """The reader of a whole folder: the recipe's format, or the task's unless the folder has exactly one table."""
    reader = readers.find(named or text_format)
    if not isinstance(reader, FolderReader):
        return None
    tables = [name for name in names(path) if readers.suffix_of(name) in readers.by_suffix()]
    return reader if named is not None or len(tables) != 1 else None
