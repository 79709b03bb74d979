"""pefbench run: one recipe, one trial, one result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench import atomic, collecting, launched, paths
from pefbench.cli._arguments import add_out, add_recipe
from pefbench.cli._terminal import hush_libraries, print_once

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    run = commands.add_parser(
        "run", help="train and score one recipe, resuming from the last checkpoint if there is one"
    )
    add_recipe(run)
    add_out(run)
    run.add_argument("--rerun", action="store_true", help="train again even if this trial has finished")
    run.add_argument(
        "--check-only", action="store_true", help="check recipe, data and model, then stop before training"
    )
    run.add_argument(
        "--verbose",
        action="store_true",
        help="print every metric, baseline and report at the end, not just the main ones",
    )
    run.add_argument(
        "--report",
        action="store_true",
        help="print each class's precision, recall and F1 whenever validation is scored, where there are classes",
    )
    run.set_defaults(run=_run, resumes=True)


def _run(parsed: argparse.Namespace) -> int:
    launched.launcher()  # before the imports, which take seconds
    with collecting.paused():
        hush_libraries()
        from pefbench.recipe import load_recipe

        recipe = load_recipe(parsed.recipe, parsed.override, parsed.method)
        from pefbench.trial import run as running

    if parsed.check_only:
        running.dry_run(recipe, parsed.out)
        print_once("recipe OK; training skipped")
        return 0
    if parsed.own_process:
        from pefbench.trial import forked_check

        forked_check.start()
    path = running.run(recipe, parsed.out, command=parsed.command, rerun=parsed.rerun, reports=parsed.report)
    if told := os.environ.get(paths.TOLD):
        atomic.write_text(Path(told), str(path))
    from pefbench.analysis import tables
    from pefbench.results import store

    stored = store.Stored(path, store.read_result(path))
    print_once(tables.summary(stored) if parsed.verbose else tables.brief(stored, parsed.out))
    return 0
