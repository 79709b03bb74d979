"""A simulated cluster with dying nodes, stragglers and preemption, to test the real code that distributes trials.

``python -m benchmarks.cluster [TRIALS]`` (10,000). Two users start the same trials at once, each on an engine of their
own. Running a trial is simulated by waiting; the queue (`Engine.run`), the leases and the writing of results are real.
Each start leaves out finished trials, as the commands do. At the end every trial has one result, and none was completed
twice.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.engines.engine import Engine, Resources
from pefbench.errors import TrialError
from pefbench.results.lease import FolderLease
from pefbench.results.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.engines.messages import Message

DIES, PREEMPTED, STRAGGLES = 0.03, 0.05, 0.01
"""Shares of runs that take down their node, that are preempted, and that take a hundred times as long."""
SECONDS = 0.002
EXPIRES = 1.0
"""Seconds after which the lease of a dead node may be taken over."""


class Cluster(Engine):
    """One user's engine, whose nodes fail; `counts` is shared by all users."""

    def __init__(self, place: Place, counts: Counter[str], *, workers: int, seed: int) -> None:
        super().__init__(place.folder, Resources(workers=workers))
        self.place, self.counts = place, counts
        self.draw, self.lock = random.Random(seed), threading.Lock()

    def one(self, request: Message, began: Callable[[], None] = lambda: None) -> Message:
        """Run a trial as a worker does: take its lease, check whether it is finished, run, write."""
        began()
        result = self.place.folder / "r" / f"{request['id']}.json"
        lease = FolderLease(result.with_suffix(".lease"), EXPIRES)
        if not lease.acquire(0.0 if request["patience"] == 0 else 600.0):
            return {"held": str(result)}
        if not result.exists():
            with self.lock:
                fate, slow = self.draw.random(), self.draw.random() < STRAGGLES
            self._count("runs")
            time.sleep(SECONDS * (100 if slow else 1))
            if fate < DIES:
                self._count("died")
                lease.lock._stop_heartbeat()  # nobody gives the lease back
                raise TrialError("its node died")
            if fate < DIES + PREEMPTED:
                self._count("preempted")
                lease.release()
                raise TrialError("it was preempted")
            value: Any = {"id": request["id"], "status": "finished"}
            self._count(f"finished {request['id']}")
            self.place.write(result, value)
        lease.release()
        return {"path": str(result)}

    def _count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1


def simulate(trials: int, folder: Path, *, workers: int = 32, people: int = 2) -> Counter[str]:
    """Run this many trials to the end; return counts of events."""
    place, counts = Place(str(folder), folder), Counter[str]()
    ids = [f"{number:012x}" for number in range(trials)]
    lock = threading.Lock()

    def person(seed: int) -> None:
        cluster = Cluster(place, counts, workers=workers, seed=seed)
        cluster.lock = lock  # the counts are shared
        while left := [each for each in ids if not (folder / "r" / f"{each}.json").exists()]:
            with lock:
                counts["starts"] += 1
            cluster.run([{"id": each} for each in left], lambda *_: None)

    threads = [threading.Thread(target=person, args=(seed,)) for seed in range(people)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    results = {file.stem for file in (folder / "r").glob("*.json")}
    counts["lost"] = len({*ids} - results)
    counts["run twice"] = sum(counts[f"finished {each}"] > 1 for each in ids)
    return counts


def main(trials: int) -> None:
    """Simulate, and print what happened."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        counts = simulate(trials, Path(folder))
    seconds = time.perf_counter() - started
    shown = ("starts", "runs", "died", "preempted", "lost", "run twice")
    print(f"{trials:,} trials in {seconds:.0f} s: {', '.join(f'{counts[name]:,} {name}' for name in shown)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
