"""pefbench doctor: what trials find on this machine, and what about it is odd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pefbench.cli._terminal import print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    doctor = commands.add_parser("doctor", help="check device, kernels, packages, disk and hub, and report problems")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of text")
    doctor.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench import doctor
    from pefbench.doctor import text

    found = doctor.look()
    odd = doctor.advice(found)
    print_line(json.dumps({**found, "odd": odd}, indent=1) if parsed.json else text.render(found, odd))
    return 0
