"""Files and folders that are written atomically: under a temporary name beside their place, then renamed."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
HELD = "-held"
"""The suffix of a folder that the process writing in it has locked."""

_umask = os.umask(0o077)  # the system tells it only in exchange for another
os.umask(_umask)
USUAL = 0o666 & ~_umask
"""The permissions of a new file. safetensors gives its files fewer: nobody but their owner may read them."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new path to write a file or a folder to; it replaces `path` at the end of the block.

    There is always either the old file or the complete new one, even after a power failure. If the block raises, the
    old one stays. A folder replaces only an empty one. Raises OSError.
    """
    target = Path(os.path.realpath(path))  # replaces the target of a link, not the link
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because a rename is atomic only within one file system.
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        yield temporary
        allow_usual(temporary)
        if temporary.is_file():
            _sync(temporary)
        os.replace(temporary, target)  # noqa: PTH105 - the call that the promise of atomicity rests on
    finally:
        _remove(temporary)
    _sync_folder(target.parent)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Like `replacing`, but raises OutputError if the file cannot be written."""
    with output_errors(path), replacing(path) as temporary:
        yield temporary


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn what prevents writing `path` into an OutputError, even if a library has wrapped it in its own exception."""
    try:
        yield
    except Exception as error:
        if (known := _os_error(error)) is None:
            raise
        raise OutputError(f"cannot write {path}: {reason(known)}") from error


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Like `writing`, for a folder; first removes what killed processes left beside it.

    A lock, which the system releases when a process ends, distinguishes this from folders still being written.
    """
    target = Path(os.path.realpath(path))
    with output_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_killed(target.parent)
        holder = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{HELD}")
        holder.mkdir()
        lock = os.open(holder, os.O_RDONLY)
        try:
            _is_free(lock)
            yield holder / target.name
            allow_usual(holder)
            os.replace(holder / target.name, target)  # noqa: PTH105 - likewise
            _sync_folder(target.parent)
        finally:
            _remove(holder)
            os.close(lock)


def check_writable(path: Path) -> None:
    """Raise OutputError if `path` cannot be written, before the work whose result it is; leaves nothing there."""
    target = Path(os.path.realpath(path))
    there = next(folder for folder in target.parents if folder.exists())
    with output_errors(path):
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        probe = there / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        probe.mkdir()
        probe.rmdir()


def _clear_killed(folder: Path) -> None:
    """Remove what `writing_folder` left in a folder because its process was killed."""
    for holder in folder.glob(f"{TEMPORARY_PREFIX}*{HELD}"):
        with suppress(OSError):
            lock = os.open(holder, os.O_RDONLY)
            try:
                if _is_free(lock):
                    _remove(holder)
            finally:
                os.close(lock)


def _is_free(lock: int) -> bool:
    """Try to take a lock; return whether it was free. If files cannot be locked, it may be taken."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def allow_usual(path: Path) -> None:
    """Give a file, or each file in a folder, at least the permissions of any new file."""
    for file in (path, *path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            file.chmod(file.stat().st_mode | USUAL)


def write_text(path: Path, content: str) -> None:
    """Write a text file atomically, and create its parent folders. Raises OutputError."""
    with writing(path) as temporary:
        temporary.write_text(content, encoding="utf8")


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, like `write_text`. Raises OutputError, and ValueError for NaN and infinity."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def clear_abandoned(folder: Path) -> None:
    """Remove what a killed process was still writing in `folder`."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        _remove(path)


def reason(error: OSError) -> str:
    """Why a file cannot be written, and what the user can do about it."""
    if error.errno == errno.ENOSPC:
        return "the disk is full; make room, or choose another folder"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{(error.strerror or 'not allowed').lower()}; choose a folder that you may write to"
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{error.filename or 'a part of the path'} is a file, not a folder; choose another folder"
    if error.errno == errno.EISDIR:
        return "it is a folder; name a file in it"
    return error.strerror or type(error).__name__


def _os_error(error: BaseException) -> OSError | None:
    """The system error behind an exception: torch raises its own on top, safetensors quotes the error number."""
    if quoted := re.search(r"\(os error (\d+)\)", str(error)):
        number = int(quoted[1])
        return OSError(number, os.strerror(number))
    inner = error.__cause__ or error.__context__
    return error if isinstance(error, OSError) else _os_error(inner) if inner else None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # Makes the rename durable. Some file systems cannot do this; the file itself is whole either way.
    with suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
