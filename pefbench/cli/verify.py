"""pefbench verify: the round trip of one trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pefbench import collecting
from pefbench.cli._arguments import given_path
from pefbench.cli._terminal import hush_libraries, print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    verify = commands.add_parser(
        "verify", help="reload a trial's saved model and check that it reproduces the test predictions"
    )
    verify.add_argument("trial", type=given_path, metavar="FOLDER", help="a trial's folder: results/RECIPE/ID")
    verify.add_argument(
        "--json", action="store_true", help="print the numbers of examples and of differing predictions as JSON"
    )
    verify.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    with collecting.paused():
        hush_libraries()
        from pefbench.trial.round_trip import verify

    found = verify(parsed.trial)
    if parsed.json:
        print_line(json.dumps(found))
        return 0
    alike = found["examples"] - found["differ"]
    same = f"{alike} of {found['examples']}" if found["differ"] else f"all {alike}"
    print_line(f"{parsed.trial}: reloaded; same predictions on {same} test examples")
    return 0
