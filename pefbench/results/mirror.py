"""Results in a store supported by fsspec, such as ``s3://bucket/results``, and their mirror on this machine.

Trials run in the mirror, and commands read from it. The store contains

- ``<recipe>/<id>.json``: a result, as on a disk;
- ``<recipe>/<id>/<digest>/``: what that trial saved; the digest is the sha256 of the result that it belongs to.

The result is written last, so it appears whole or not at all. Because its content determines the folder of its files,
the files of two writers never mix. A finished result is replaced only with ``--rerun``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.errors import OutputError, UserError
from pefbench.paths import cache_folder
from pefbench.results.lease import StoreLease
from pefbench.results.place import Place
from pefbench.results.schema import ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fsspec import AbstractFileSystem

    from pefbench.results.lease import Lease
    from pefbench.results.schema import Result

PREDICTIONS = "predictions.jsonl"
PACKED = ".predictions.jsonl.gz"
RECORDS = ("comparison.json", "search.json")
INDEX = ".store.json"
"""File in the mirror that lists each file from the store with its version there."""
VERSIONS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created", "size")
"""Names that fsspec's file systems use for properties that change with a file's content."""
OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
"""Stores in which a file appears whole; elsewhere it is written under a temporary name first."""
EXTRAS = {"s3": "s3", "s3a": "s3"}
OF_TRAINING = ("checkpoint.pt", "failed")
"""Files in a trial's folder that are needed only while it runs."""
TEMPORARY = atomic.TEMPORARY_PREFIX
DIGEST = 12


class Mirror(Place):
    """A folder of results in a store, and its mirror."""

    def __init__(self, address: str, files: AbstractFileSystem, root: str, folder: Path) -> None:
        super().__init__(address, folder)
        self.files, self.root = files, root

    @classmethod
    def of(cls, address: str) -> Mirror:
        """The place at an address. Raises UserError if the address is not one of a store."""
        from fsspec.core import url_to_fs

        protocol = address.partition("://")[0]
        try:
            files, root = url_to_fs(address, use_listings_cache=False)
        except ImportError as error:
            extra = EXTRAS.get(protocol)
            how = f"pip install 'pefbench[{extra}]'" if extra else str(error).partition("\n")[0]
            raise UserError(f"{address}: no library for {protocol}:// is installed; {how}") from None
        except ValueError as error:
            raise UserError(f"{address}: not an address of a store, such as s3://bucket/results: {error}") from None
        except Exception as error:  # some file systems, such as ftp, connect when they are made
            raise OutputError(f"{address}: cannot be reached: {_reason(error)}") from error
        root = root.rstrip("/")
        if not root:
            raise UserError(f"{address}: names no folder in a store; it should be like s3://bucket/results")
        store_key = hashlib.sha256(files.to_json().encode()).hexdigest()[:DIGEST]
        # The mirror has the store's paths, so that a folder has one mirror however it is reached.
        folder = cache_folder() / "stores" / store_key / root.lstrip("/")
        return cls(address.rstrip("/"), files, root, folder)

    def below(self, name: str) -> Mirror:
        """The place of the subfolder with this name."""
        return Mirror(f"{self.address}/{name}", self.files, f"{self.root}/{name}", self.folder / name)

    def check(self, needed_bytes: int) -> None:
        """Make sure that store and mirror can be written to. Raises OutputError."""
        super().check(needed_bytes)
        probe = f"{self.root}/{atomic.TEMPORARY_PREFIX}probe-{os.urandom(4).hex()}"
        with self._reached("cannot be written to"):
            self.files.makedirs(self.root, exist_ok=True) if self._renames else None
            self.files.pipe_file(probe, b"probe\n")
            self.files.rm_file(probe)

    def pull(self) -> bool:
        """Update the mirror's results and their predictions; False if there are none. Raises OutputError."""
        with self._reached("cannot be read"):
            listed: Mapping[str, Any] = self.files.find(self.root, detail=True)
            if not listed:
                with suppress(FileNotFoundError):
                    self.files.ls(self.root)  # `find` ignores a server that cannot be reached
            above = f"{self.root}/"
            there = {
                name.removeprefix(above): _version(info) for name, info in listed.items() if name.startswith(above)
            }
            known = self._known()
            for gone in known.keys() - there.keys():
                self._local(gone).unlink(missing_ok=True)
                known.pop(gone)
            self._bring([name for name in there if _is_record(name)], there, known)
            self._bring([name for name in there if self._belongs(name)], there, known)
            atomic.write_text(self.folder / INDEX, json.dumps(known))
        return bool(there)

    def fetch(self, result: Path) -> None:
        """Update one result and its predictions. Raises OutputError."""
        name = self._name(result)
        with self._reached("cannot be read"):
            try:
                content = self.files.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                self._absent(result)
                return
            if not result.exists() or result.read_bytes() != content:
                _write_bytes(result, content)
            saved = f"{self.root}/{name.removesuffix('.json')}/{_digest(content)}/{PREDICTIONS}"
            with suppress(FileNotFoundError):
                _write_bytes(result.with_suffix("") / PREDICTIONS, self.files.cat_file(saved))
            _pending(result).unlink(missing_ok=True)

    def write(self, path: Path, value: Result, *, again: bool = False) -> None:
        """Write a trial's result here, then the files that it saved to the store, then the result to the store.

        If another process was first, its result is kept, here too. Raises OutputError.
        """
        atomic.write_text(_pending(path), "")
        super().write(path, value)
        there = self._present(path)
        if there is not None and json.loads(there).get("status") == "finished" and not again:
            self.fetch(path)
        else:
            self._push(path, replaces=there)

    def publish(self, path: Path) -> None:
        """Write a file to the store. Raises OutputError."""
        with self._reached("cannot be written to"):
            self._put(path.read_bytes(), f"{self.root}/{self._name(path)}")

    def lease(self, result: Path) -> Lease:
        """The lease that a process holds while it runs a trial."""
        name = self._name(result.with_suffix(".lease"))
        return StoreLease(self.files, f"{self.root}/{name}", lambda: self._reached("cannot be written to"))

    def _present(self, path: Path) -> bytes | None:
        """The content of the result in the store; None if there is none."""
        with self._reached("cannot be read"):
            try:
                content: bytes = self.files.cat_file(f"{self.root}/{self._name(path)}")
            except FileNotFoundError:
                return None
        return content

    def _push(self, path: Path, replaces: bytes | None) -> None:
        content = path.read_bytes()
        target = f"{self.root}/{self._name(path)}"
        saved = f"{target.removesuffix('.json')}/{_digest(content)}"
        with self._reached("cannot be written to"):
            for file in sorted(path.with_suffix("").rglob("*")) if json.loads(content).get("artifacts") else ():
                if file.is_file() and file.name not in OF_TRAINING and not file.name.startswith(TEMPORARY):
                    self._put(file, f"{saved}/{file.relative_to(path.with_suffix('')).as_posix()}")
            if self._put(content, target, create=replaces is None):
                if replaces is not None and replaces != content:
                    self._remove(f"{target.removesuffix('.json')}/{_digest(replaces)}")
                _pending(path).unlink(missing_ok=True)
                return
            self._remove(saved)
        _pending(path).unlink(missing_ok=True)
        self.fetch(path)

    def _put(self, content: bytes | Path, target: str, *, create: bool = False) -> bool:
        """Write a file atomically; False if `create` is set and the file exists."""
        written = target
        if self._renames:
            self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            written = f"{target.rpartition('/')[0]}/{atomic.TEMPORARY_PREFIX}{os.urandom(8).hex()}"
        if isinstance(content, Path):
            self.files.put_file(str(content), written)
        else:
            try:
                self.files.pipe_file(written, content, mode="create" if create else "overwrite")
            except FileExistsError:
                return False
        if self._renames:
            if create and self.files.exists(target):
                self.files.rm_file(written)
                return False
            self.files.mv(written, target)
        return True

    @property
    def _renames(self) -> bool:
        """Whether the store is a file system, where a file is visible while it is written and can be renamed."""
        protocol = self.files.protocol
        return not OBJECTS & {protocol, *([] if isinstance(protocol, str) else protocol)}

    def _remove(self, folder: str) -> None:
        with suppress(FileNotFoundError):
            self.files.rm(folder, recursive=True)

    def _absent(self, result: Path) -> None:
        """Handle a result that is missing in the store: send it if it is still pending, otherwise delete it here."""
        if not result.exists():
            return
        if _pending(result).exists():
            self._push(result, replaces=None)
            return
        result.unlink()
        shutil.rmtree(result.with_suffix(""), ignore_errors=True)

    def _bring(self, names: list[str], there: Mapping[str, str], known: dict[str, str]) -> None:
        wanted = [name for name in names if known.get(name) != there[name] or not self._local(name).exists()]
        if not wanted:
            return
        found = self.files.cat([f"{self.root}/{name}" for name in wanted], on_error="return")
        contents = found if isinstance(found, dict) else {f"{self.root}/{wanted[0]}": found}
        for name in wanted:
            content = contents[f"{self.root}/{name}"]
            if isinstance(content, FileNotFoundError):  # replaced since it was listed
                continue
            if isinstance(content, Exception):
                raise content
            _write_bytes(self._local(name), content)
            known[name] = there[name]

    def _belongs(self, name: str) -> bool:
        """Whether a file holds the predictions of the result in the mirror."""
        *_, trial, digest, file = ["", "", *name.split("/")]
        if file.endswith(PACKED):
            return True
        result = self.folder / PurePosixPath(name).parents[1].with_suffix(".json") if ID.fullmatch(trial) else None
        if file != PREDICTIONS or result is None or not result.exists():
            return False
        return _digest(result.read_bytes()) == digest

    def _local(self, name: str) -> Path:
        """The path in the mirror of a file in the store."""
        path = PurePosixPath(name)
        return self.folder / (path.parents[1] / path.name if path.name == PREDICTIONS else path)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _known(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads((self.folder / INDEX).read_text(encoding="utf8"))
        except (OSError, ValueError):
            return {}
        return known

    @contextmanager
    def _reached(self, otherwise: str) -> Iterator[None]:
        try:
            yield
        except (UserError, KeyboardInterrupt):
            raise
        except Exception as error:  # each store's library has its own exceptions
            raise OutputError(f"{self.address}: {otherwise}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_record(name: str) -> bool:
    file = PurePosixPath(name)
    inside = any(ID.fullmatch(part) for part in file.parts[:-1])
    return not inside and (file.name in RECORDS or (file.suffix == ".json" and ID.fullmatch(file.stem) is not None))


def _version(info: Mapping[str, Any]) -> str:
    return json.dumps({key: str(info[key]) for key in VERSIONS if key in info})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST]


def _pending(result: Path) -> Path:
    """The marker file that exists while a result is written here but not yet in the store."""
    return result.with_suffix(".pending")


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic.writing(path) as temporary:
        temporary.write_bytes(content)
