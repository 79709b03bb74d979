"""pefbench table: results as a table."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_results
from pefbench.cli._folders import loaded_from, verdicts_below
from pefbench.cli._terminal import print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands

TABLE_FORMATS = ("text", "markdown", "csv", "latex", "json")


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    table = commands.add_parser("table", help="print results as a table")
    add_results(table, "a folder of results, or one result file")
    table.add_argument("--format", choices=TABLE_FORMATS, default="text", help="output format (default: text)")
    table.add_argument(
        "--pivot", action="store_true", help="one table of tasks and methods, whichever are more as rows"
    )
    table.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.analysis import tables

    loaded = loaded_from(parsed.results)
    if parsed.pivot:
        verdicts, damaged = verdicts_below(parsed.results)
        width = shutil.get_terminal_size().columns
        print_line(tables.pivot(loaded.results, parsed.format, verdicts, width))
        return 1 if loaded.problems or damaged else 0
    print_line(tables.table(loaded.results, parsed.format))
    return 1 if loaded.problems else 0
