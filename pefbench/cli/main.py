"""The command line: runs one command, prints errors as one line, and sets the exit status.

0: success. 1: a trial or a check failed. 2: invalid input; one line says what is wrong, where, and what would be right.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from pefbench import __version__
from pefbench.cli import (
    app,
    check,
    compare,
    convert,
    doctor,
    export,
    importing,
    inspect,
    listing,
    new,
    pick,
    predict,
    report,
    run,
    schema,
    search,
    serve,
    table,
    verify,
    worker,
)
from pefbench.cli._arguments import Parser
from pefbench.cli._terminal import complain
from pefbench.errors import PefbenchError
from pefbench.waiting import wait_briefly

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = (
    *(run, inspect, compare, search, worker, verify, predict, export, serve, app),
    *(table, report, pick, check, importing),
    *(listing, schema, new, convert, doctor),
)
"""The commands in the order of the help."""
HEAD_START = 2.0
"""Seconds for which the other processes of a job wait before they print an error."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""
    wait_briefly()
    own_process = arguments is None
    arguments = sys.argv[1:] if arguments is None else arguments
    parsed = _parser().parse_args(arguments)
    parsed.own_process = own_process  # this process has not done anything else yet
    parsed.command = shlex.join(["pefbench", *arguments])  # as typed, without paths of this machine
    try:
        status: int = parsed.run(parsed)
    except PefbenchError as error:
        _say(error, os.environ.get("RANK", "0"))
        status = error.exit_status
    except KeyboardInterrupt:
        complain(f"interrupted{'; the same command goes on where it was' if parsed.resumes else ''}")
        status = 130
    except BrokenPipeError:  # for example, a table piped into head
        sys.stdout = None
        status = 141
    sys.exit(status)


def _say(error: PefbenchError, rank: str) -> None:
    """Print an error as one line. The first process is faster: its launcher ends the others before they repeat it."""
    if rank == "0":
        complain(f"error: {error}")
    else:
        time.sleep(HEAD_START)
        complain(f"error (process {rank}): {error}")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="pefbench", description="Which fine-tuning method for this task, this model and this budget?")
    parser.add_argument("--version", action="version", version=f"pefbench {__version__}")
    parser.set_defaults(resumes=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    main()
