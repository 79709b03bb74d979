"""pefbench inspect: what the model will see, before any training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_recipe, count, given_path
from pefbench.cli._folders import write_file
from pefbench.cli._terminal import hush_libraries, print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    inspect = commands.add_parser("inspect", help="show what the model will see: tokens, labels, lengths, skipped rows")
    add_recipe(inspect)
    inspect.add_argument("--n", type=count, default=5, metavar="N", help="examples to show (default: 5)")
    inspect.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        default="train",
        help="split to show (default: train)",
    )
    inspect.add_argument("--html", type=given_path, metavar="FILE", help="also write an HTML page")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of text")
    inspect.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    hush_libraries()
    from pefbench.recipe import load_recipe

    recipe = load_recipe(parsed.recipe, parsed.override, parsed.method)
    from pefbench import inspection
    from pefbench.inspection import html, text

    found = inspection.inspect(recipe, split=parsed.split, examples=parsed.n)
    if parsed.html is not None:
        write_file(parsed.html, html.page(found))
    print_line(json.dumps(found.as_json()) if parsed.json else text.render(found))
    return 0
