"""pefbench inspect: what the model will see, before any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.cli._arguments import count
from pefbench.cli._folders import write_file
from pefbench.cli._terminal import hush_libraries, print_line

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:  # argparse names no public type for its subparsers
    """Add the command to the subparsers of argparse."""
    inspect = commands.add_parser("inspect", help="show what the model will see: tokens, labels, lengths, skipped rows")
    inspect.add_argument(
        "recipe",
        type=Path,
        metavar="RECIPE",
        help="a YAML file, or a name that `pefbench list recipes` shows, such as ner",
    )
    inspect.add_argument("--method", metavar="NAME", help="fine-tuning method, such as lora (the recipe's own)")
    inspect.add_argument(
        "-o", dest="override", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a recipe's field"
    )
    inspect.add_argument("--n", type=count, default=5, metavar="N", help="how many examples to show (5)")
    inspect.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        default="train",
        help="whose examples to show (train)",
    )
    inspect.add_argument("--html", type=Path, metavar="FILE", help="also write a page")
    inspect.add_argument("--json", action="store_true", help="print JSON, for programs")
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
