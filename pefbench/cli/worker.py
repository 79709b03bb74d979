"""pefbench worker: a process of `compare`, which starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._terminal import hush_libraries

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    worker = commands.add_parser("worker")  # without help it is not listed: compare starts it
    worker.add_argument("--cores")
    worker.add_argument("--trial", type=Path)
    worker.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    hush_libraries()
    from pefbench.engines import worker

    if parsed.trial is None:
        worker.serve({int(core) for core in parsed.cores.split(",")} if parsed.cores else None)
    worker.run_one(json.loads(parsed.trial.read_text(encoding="utf8")))
    return 0
