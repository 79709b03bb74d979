"""pefbench compare: methods tuned alike, then compared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.cli._arguments import count
from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to the subparsers of argparse."""
    compare = commands.add_parser("compare", help="tune methods alike, then compare them; runs only what is missing")
    compare.add_argument(
        "comparison", type=Path, metavar="COMPARISON", help="a YAML file, such as recipes/compare/ner.yaml"
    )
    compare.add_argument(
        "-o",
        dest="override",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="override a field of the base recipe",
    )
    compare.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where results go (results)")
    compare.add_argument("--workers", type=count, default=1, metavar="N", help="trials side by side (1)")
    compare.add_argument("--dry-run", action="store_true", help="print the plan and how long it may take")
    compare.add_argument(
        "--give-up",
        action="store_true",
        help="count tuning trials that die as the worst, rather than wait for the next start to run them again",
    )
    compare.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.compare import grid, report

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("compare starts the processes that it needs; run it without a launcher")
    wanted = grid.Wanted(
        parsed.comparison,
        parsed.out,
        parsed.workers,
        tuple(parsed.override),
        give_up=parsed.give_up,
        command=parsed.command,
    )
    if parsed.dry_run:
        print_line(grid.dry_run(wanted))
        return 0
    path = grid.compare(wanted)
    verdict = report.read(path)
    print_line(report.render(verdict))
    print_line(f"comparison: {path}")
    return 0 if verdict["complete"] else 1
