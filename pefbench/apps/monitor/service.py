"""The running monitor: threads that read its inputs and send its alerts until it is stopped."""

from __future__ import annotations

import logging
import os
import select
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from pefbench.apps.monitor import alert, items
from pefbench.apps.monitor.folder import CHUNK, Folder
from pefbench.apps.monitor.messages import message
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.apps.logs import Events
    from pefbench.apps.monitor.alert import Channel
    from pefbench.apps.monitor.config import AlertSection, MonitorSection
    from pefbench.apps.monitor.monitor import Monitor, Taken

AGAIN = 5.0
"""Seconds until a failed write is tried again."""
LONGEST_WAIT = 600.0
"""The longest wait, in seconds, before an alert is sent again; waits start at one second and double."""
MOST_DOUBLED = 10
"""Enough doublings to exceed that wait; an address that is down for days is tried thousands of times."""


def channels(config: AlertSection) -> dict[str, Channel]:
    """The channels of a configuration, by name."""
    found: dict[str, Channel] = {"stdout": alert.Output()} if config.stdout else {}
    if config.file:
        found["file"] = alert.File(Path(config.file))
    if config.webhook:
        found["webhook"] = alert.Webhook(config.webhook, config.headers)
    return found


class Service:
    """The threads that run next to the HTTP server. counted: called with the outcome of entries that were read.

    Raises SourceError for a folder that does not exist.
    """

    def __init__(
        self,
        monitor: Monitor,
        config: MonitorSection,
        out: dict[str, Channel],
        log: Events,
        counted: Callable[[Taken], None],
    ) -> None:
        self._monitor, self._config, self._out, self._log, self._counted = monitor, config, out, log, counted
        self._folder = Folder(Path(folder), self.longest) if (folder := config.input.folder) else None
        self._stop, self._waits = Event(), dict[tuple[int, str], float]()
        works = {"watch": self._watch, **{f"send to {name}": partial(self._deliver, name) for name in out}}
        works |= {"read": self._read} if config.input.stdin else {}
        self._threads = [Thread(target=self._run, args=[work], name=name, daemon=True) for name, work in works.items()]
        self.failed: BaseException | None = None

    @property
    def longest(self) -> int:
        """The most characters of a text."""
        return self._config.server.max_characters

    @property
    def alive(self) -> bool:
        """Whether all threads run that should."""
        return self.failed is None and not self._stop.is_set()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float) -> None:
        """Stop, once everything read so far is stored."""
        self._stop.set()
        until = monotonic() + patience
        for thread in self._threads:
            thread.join(max(until - monotonic(), 0.0))

    def send(self, name: str) -> None:
        """Send the alerts that a channel has not sent; one that does not arrive is tried again, ever more rarely."""
        for found, _, tries in self._monitor.store.unsent(name):
            if self._stop.is_set():
                return
            if monotonic() < self._waits.get((found.id, name), 0.0):
                continue
            try:
                said = message(found, self._monitor, self._config)
                self._out[name].send(said)
            except OutputError as error:
                self._monitor.store.tried(found.id, name, sent=None, failure=str(error))
                self._waits[found.id, name] = monotonic() + min(2.0 ** min(tries, MOST_DOUBLED), LONGEST_WAIT)
                self._log("alert_not_sent", logging.WARNING, alert=found.id, channel=name, why=str(error))
            else:
                self._monitor.store.tried(found.id, name, sent=datetime.now(UTC).isoformat())
                texts = [each["text"] for each in said["headlines"]]
                self._log("alert_sent", alert=found.id, channel=name, texts=texts)

    def read_folder(self) -> None:
        """Take what is new in the folder."""
        if self._folder:
            for part in self._folder.news(self._monitor.store.progress()):
                self._counted(self._monitor.take(part.entries, part))
                if self._stop.is_set():
                    return

    def _run(self, work: Callable[[], None]) -> None:
        """Do a thread's work; if it fails, the server is no longer ready, and its log says why."""
        try:
            work()
        except BaseException as error:
            self.failed = error
            self._log("failed", logging.ERROR, why=repr(error))
            raise

    def _watch(self) -> None:
        """Check the folder repeatedly."""
        self._repeat(self.read_folder, self._monitor.settle)

    def _deliver(self, name: str) -> None:
        """Send a channel's alerts repeatedly, in a separate thread: a slow channel must not delay items or others."""
        self._repeat(partial(self.send, name))

    def _repeat(self, *steps: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                for step in steps:
                    step()
            except OutputError as error:  # nothing is lost: everything is tried again
                self._log("not_written", logging.ERROR, why=str(error))
                self._stop.wait(AGAIN)
            self._stop.wait(min(self._config.input.every, 1.0))

    def _take(self, entries: list[items.Item | items.Skipped]) -> None:
        """Take entries, and try again as long as they cannot be stored: standard input delivers them only once."""
        while True:
            try:
                self._counted(self._monitor.take(entries))
            except OutputError as error:
                self._log("not_written", logging.ERROR, why=str(error))
                if self._stop.wait(AGAIN):
                    return
            else:
                return

    def _read(self) -> None:
        """Take lines of standard input as they arrive."""
        rest, before = b"", 0
        while not self._stop.is_set():
            if not select.select([sys.stdin.fileno()], [], [], 0.2)[0]:
                continue
            chunk = os.read(sys.stdin.fileno(), CHUNK)
            *lines, rest = (rest + chunk).split(b"\n") if chunk else [rest, b""]
            if len(rest) > CHUNK:
                lines, rest = [*lines, rest], b""
            now = datetime.now(UTC)
            self._take(
                [
                    items.of_line(line, now, self.longest, f"standard input:{number}")
                    for number, line in enumerate(lines, before + 1)
                    if line.strip()
                ]
            )
            before += len(lines)
            if not chunk:
                self._monitor.settle(ended=True)
                self._log("input_ended")
                return
