"""The formats by name: every module of `formats/` or `derived/` that exports ``READER``. There is no other list."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pefbench.errors import SourceError, suggest
from pefbench.sources import derived, formats
from pefbench.sources.reader import BytesReader, LayoutReader, TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from pefbench.sources.reader import Reader


@cache
def _modules() -> Mapping[str, ModuleType]:
    """The modules of all formats, by name; modules with a leading underscore are helpers."""
    return {
        entry.name: importlib.import_module(f"{folder.__name__}.{entry.name}")
        for folder in (formats, derived)
        for entry in pkgutil.iter_modules(folder.__path__)
        if not entry.name.startswith("_")
    }


def names() -> list[str]:
    """The names of all formats, sorted."""
    return sorted(_modules())


def summary(name: str) -> str:
    """A format's summary: the first line of its module's docstring."""
    return (_modules()[name].__doc__ or "").partition("\n")[0]


def find(name: str) -> Reader:
    """The reader of a format. Raises SourceError, listing the names, if there is none."""
    if name not in _modules():
        raise SourceError(f"unknown format {name!r}; {suggest(name, names())}")
    reader: Reader = _modules()[name].READER
    return reader


@cache
def by_suffix() -> Mapping[str, str]:
    """Suffix, with the dot -> the name of its format."""
    readers = {name: find(name) for name in names()}
    tables = {name: reader for name, reader in readers.items() if isinstance(reader, TextReader | BytesReader)}
    return {suffix: name for name, reader in tables.items() for suffix in reader.suffixes}


def by_content(text: str) -> TextReader | None:
    """The reader that recognises a file's layout by its text, or None."""
    readers = [reader for name in names() if isinstance(reader := find(name), TextReader)]
    return next((reader for reader in readers if reader.fits is not None and reader.fits(text)), None)


def by_layout(folder: Path) -> LayoutReader | None:
    """The reader that recognises a folder by its files, or None."""
    readers = [reader for name in names() if isinstance(reader := find(name), LayoutReader)]
    return next((reader for reader in readers if reader.fits(folder)), None)


def suffix_of(name: str) -> str:
    """A file's suffix in lower case; for a compressed file, the suffix before ``.gz``."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix
