"""pefbench list: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse

LISTS = ("tasks", "methods", "metrics", "formats", "recipes")


def add(commands: Any) -> None:
    """Add the command to the subparsers of argparse."""
    listing = commands.add_parser("list", help="what there is to choose from")
    listing.add_argument("what", choices=LISTS)
    listing.add_argument("--matrix", action="store_true", help="of methods: on which models and heads each works")
    listing.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench import registry

    if parsed.matrix:
        if parsed.what != "methods":
            raise UserError(f"list {parsed.what} --matrix: only methods have a matrix: pefbench list methods --matrix")
        from pefbench.methods import _matrix

        print_line(_matrix.render(_matrix.load()))
        return 0
    if parsed.what == "recipes":
        for file in registry.recipes():
            print_line(f"{file}  {file.read_text(encoding='utf8').partition(chr(10))[0].lstrip('# ')}")
        return 0
    if parsed.what == "formats":
        from pefbench.sources import readers

        summaries = {name: readers.summary(name) for name in readers.names()}
    else:
        kind = parsed.what.removesuffix("s")
        summaries = {name: registry.summary(kind, name) for name in registry.names(kind)}
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        print_line(f"{name:{width}}  {summary}")
    return 0
