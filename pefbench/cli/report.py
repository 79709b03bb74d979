"""pefbench report: results as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_results, given_path
from pefbench.cli._folders import loaded_from, searches_below, verdicts_below, write_file
from pefbench.cli._terminal import print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    report = commands.add_parser("report", help="write results as one self-contained HTML page")
    add_results(report)
    report.add_argument(
        "--out", type=given_path, default=Path("report.html"), metavar="FILE", help="the page (default: report.html)"
    )
    report.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.analysis import html

    loaded = loaded_from(parsed.results, without=())
    verdicts, damaged = verdicts_below(parsed.results)
    searched, unread = searches_below(parsed.results)
    write_file(parsed.out, html.page(loaded.results, verdicts, searched))
    print_line(f"{parsed.out}: written; it opens in any browser, offline")
    return 1 if loaded.problems or damaged or unread else 0
