"""pefbench worker: a process of `compare`, which starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._terminal import hush_libraries
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands
    from pefbench.engines.messages import TrialRequest


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    worker = commands.add_parser("worker")  # without help it is not listed: compare starts it
    worker.add_argument("--cores", type=cores)
    worker.add_argument("--trial", type=Path)
    worker.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    hush_libraries()
    from pefbench.engines import worker

    if parsed.trial is None:
        worker.serve(parsed.cores)
    worker.run_one(_request(parsed.trial))
    return 0


def cores(text: str) -> set[int]:
    """The numbers of processor cores in ``0,1``. Raises ValueError."""
    return {int(core) for core in text.split(",")}


def _request(file: Path) -> TrialRequest:
    """The trial that a file asks for. Raises UserError."""
    from pefbench.engines.messages import TrialRequest
    from pefbench.results.shape import mismatch

    try:
        request: TrialRequest = json.loads(file.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise UserError(f"--trial: cannot read {file}: {why}") from None
    if problem := mismatch(TrialRequest, request):
        raise UserError(f"--trial: {file} is not a request for a trial: {problem.removeprefix('.').strip()}")
    return request
