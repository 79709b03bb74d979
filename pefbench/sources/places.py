"""The local path of a source, which is downloaded if necessary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import SourceError
from pefbench.sources.transport import hub, wheels
from pefbench.sources.transport.address import FileAddress, HubAddress, WheelAddress, parse_address
from pefbench.sources.transport.digests import check_digest
from pefbench.sources.transport.local import existing
from pefbench.sources.transport.weights import check_weights, refuse_pickles

if TYPE_CHECKING:
    from pathlib import Path


def locate(source: str, *, revision: str | None = None, sha256: str | None = None) -> Path:
    """The local folder (a model) or file of a source, downloaded if necessary.

    For a hub model, only safetensors, config and tokenizer files are downloaded. Raises SourceError, also for a folder
    with pickled weights; `check_weights` also refuses a folder without weights.
    """
    address = parse_address(source)
    if isinstance(address, HubAddress):
        refuse_digest(source, sha256)
        folder = hub.model_folder(address.name, revision)
        check_weights(folder, source)
        return folder
    path = local(address, source, sha256)
    if path.is_dir():
        if isinstance(address, FileAddress):
            refuse_digest(source, sha256)
        refuse_pickles(path, source)
    elif isinstance(address, FileAddress):
        check_digest(path, source, sha256)
    return path


def local(address: FileAddress | WheelAddress, source: str, sha256: str | None) -> Path:
    """The existing file or folder of a ``file:`` or ``wheel:`` source. Raises SourceError."""
    try:
        if isinstance(address, FileAddress):
            return existing(address.path, source)
        root = wheels.unpacked(address, sha256)
        return existing(root / address.inside, source, root)
    except OSError as error:  # a folder without read permission
        raise SourceError(f"{source}: cannot be read: {error.strerror}") from None


def refuse_digest(source: str, sha256: str | None) -> None:
    """Raise SourceError if a digest is given for a folder or for the hub, which have none."""
    if sha256 is not None:
        raise SourceError(f"{source}: sha256 pins a wheel or one file; pin an hf: source by a commit as its revision")
