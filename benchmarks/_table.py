"""Tables of benchmarks, written into docs/results/speed.md by the scripts that measure them.

A table is between its own mark and the end mark. Each script replaces only its own table.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pefbench.errors import counted
from pefbench.hardware import cores
from pefbench.paths import PROJECT
from pefbench.results import provenance

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

PAGE = PROJECT / "docs" / "results" / "speed.md"
END = "<!-- end -->"


def add_clock(parser: ArgumentParser) -> None:
    """Add the option that chooses the clock."""
    parser.add_argument(
        "--processor-seconds",
        action="store_true",
        help="time by this process's processor seconds, with one thread: for a machine that others use",
    )


def clock(parsed: Namespace) -> Callable[[], float]:
    """The clock that the options choose."""
    if not parsed.processor_seconds:
        return time.perf_counter
    os.environ["OMP_NUM_THREADS"] = "1"
    return time.process_time


def option(parsed: Namespace) -> str:
    """The option as written in a command."""
    return " --processor-seconds" if parsed.processor_seconds else ""


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median of repeated measurements, with the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}}, n={len(values)})"


def write(name: str, header: Sequence[str], rows: Sequence[Sequence[str]], command: str) -> None:
    """Print a table, and put it into the page under its mark, with the machine, date and load."""
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    load = f"{os.getloadavg()[1]:.1f} processes wanted to run" if hasattr(os, "getloadavg") else "load unknown"
    machine = provenance.machine()
    where = f"{machine.get('cpu', 'CPU')}, {counted(cores(), 'core')}"
    when = f"{datetime.now(UTC):%Y-%m-%d}, {where}, {load} (mean of 5 minutes)"
    table = "\n".join([*lines, "", f"`{command}`; {when}."])
    print(table)
    mark = f"<!-- speed: {name} -->"
    before, found, after = PAGE.read_text(encoding="utf8").partition(mark)
    if not found:
        raise SystemExit(f"{PAGE}: no {mark}")
    PAGE.write_text(f"{before}{mark}\n{table}\n{END}{after.partition(END)[2]}", encoding="utf8")
