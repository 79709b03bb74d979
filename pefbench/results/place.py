"""Where results lie: a folder of this machine. `mirror` has those that lie in a store elsewhere.

A process holds a trial's lease while it runs it, so that of two that are asked for the same trial one waits for the
other. A lease says who should be working, not that nobody else is: what makes two writers safe is that a result appears
whole, and that the first finished one stays.
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
        """The folder of this name in it."""
        return Place(str(Path(self.address, name)), self.folder / name)

    def check(self, needed_bytes: int) -> None:
        """Make sure that results can be written, before anything runs. Raises OutputError."""
        store.check_writable(self.folder, needed_bytes)

    def pull(self) -> bool:
        """Bring all results up to date, with their predictions; False where a store has nothing. Raises OutputError."""
        return True

    def fetch(self, result: Path) -> None:
        """Bring one result up to date, with its predictions. Raises UserError."""

    def write(self, path: Path, value: Result, *, again: bool = False) -> None:  # noqa: ARG002 - for stores
        """Write a trial's result, and whatever it saved, for all to see. Raises OutputError.

        again: in the place of a finished one, which otherwise stays, where the place is shared.
        """
        atomic.write_json(path, value)

    def publish(self, path: Path) -> None:
        """Let all see a file that was written: a verdict, a record of a search. Raises OutputError."""

    def lease(self, result: Path) -> Lease:
        """What a process holds while it runs a trial."""
        return FolderLease(result.with_suffix(".lease"))
