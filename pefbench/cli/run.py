"""pefbench run: one recipe, one trial, one result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.cli._terminal import hush_libraries, print_once

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to the subparsers of argparse."""
    run = commands.add_parser("run", help="train and score one recipe; go on where an earlier start was killed")
    run.add_argument(
        "recipe",
        type=Path,
        metavar="RECIPE",
        help="a YAML file, or a name that `pefbench list recipes` shows, such as ner",
    )
    run.add_argument("--method", metavar="NAME", help="fine-tuning method, such as lora (the recipe's own)")
    run.add_argument(
        "-o", dest="override", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a recipe's field"
    )
    run.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where results go (results)")
    run.add_argument("--rerun", action="store_true", help="train again even if this trial is finished")
    run.add_argument("--check-only", action="store_true", help="stop before training, having checked all that can be")
    run.add_argument("--verbose", action="store_true", help="print every metric, baseline and report at the end")
    run.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    hush_libraries()
    from pefbench.recipe import load_recipe

    recipe = load_recipe(parsed.recipe, parsed.override, parsed.method)
    from pefbench.analysis import tables
    from pefbench.results import store
    from pefbench.trial import run as running

    if parsed.check_only:
        running.dry_run(recipe, parsed.out)
        print_once("recipe OK; training skipped")
        return 0
    path = running.run(recipe, parsed.out, command=parsed.command, rerun=parsed.rerun)
    shown = tables.summary if parsed.verbose else tables.brief
    print_once(shown(store.Stored(path, store.read_result(path))))
    return 0
