"""The place of results: a folder on this machine. `mirror` is for results in a store elsewhere.

A process holds a trial's lease while it runs it, so that two processes do not run the same trial. A lease says who
should be working, but cannot rule out that somebody else is. Two writers are safe because a result appears whole and
the first finished one stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pefbench import atomic
from pefbench.results import store
from pefbench.results.lease import FolderLease

if TYPE_CHECKING:
    from pefbench.results.lease import Lease
    from pefbench.results.schema import Result


class Place:
    """A folder of results.

    address: as the user gave it. folder: where trials run and results are read, on this machine.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder

    def __str__(self) -> str:
        return self.address

    def below(self, name: str) -> Place:
        """The place of the subfolder with this name."""
        return Place(str(Path(self.address, name)), self.folder / name)

    def check(self, needed_bytes: int) -> None:
        """Check that results can be written, before anything runs. Raises OutputError."""
        store.check_writable(self.folder, needed_bytes)

    def pull(self) -> bool:
        """Update all results and their predictions; False if a store has nothing. Raises OutputError."""
        return True

    def fetch(self, result: Path) -> None:
        """Update one result and its predictions. Raises UserError."""

    def write(self, path: Path, value: Result, *, again: bool = False) -> None:  # noqa: ARG002 - for stores
        """Write a trial's result and the files that it saved, visible to all. Raises OutputError.

        again: replace a finished result, which otherwise stays if the place is shared.
        """
        atomic.write_json(path, value)

    def publish(self, path: Path) -> None:
        """Make a written file visible to all: a verdict or the record of a search. Raises OutputError."""

    def lease(self, result: Path) -> Lease:
        """The lease that a process holds while it runs a trial."""
        return FolderLease(result.with_suffix(".lease"))
