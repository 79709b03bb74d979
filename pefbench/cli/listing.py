"""pefbench list: what there is to choose from."""

from __future__ import annotations

from pathlib import Path
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


def _print_recipes() -> None:
    """Print each recipe with its methods, then the comparisons."""
    from pefbench import registry
    from pefbench.recipe_file import methods_of

    for file in registry.recipes():
        print_line(f"{_shown(file)}  {_first_comment(file)}")
        if methods := methods_of(file):
            print_line(f"    --method {', '.join(methods)}")
    for file in registry.comparisons():
        print_line(f"{_shown(file)}  {_first_comment(file)}")


def _shown(file: Path) -> Path:
    """The path as it may be typed here."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _first_comment(file: Path) -> str:
    """A recipe's first comment line, the one for editors aside."""
    lines = file.read_text(encoding="utf8").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#"))
    return next((line for line in comments if not line.startswith("yaml-language-server:")), "")


def _run(parsed: argparse.Namespace) -> int:
    from pefbench import registry

    if parsed.matrix:
        if parsed.what != "methods":
            raise UserError(f"list {parsed.what} --matrix: only methods have a matrix: pefbench list methods --matrix")
        from pefbench.methods import _matrix

        print_line(_matrix.render(_matrix.load()))
        return 0
    if parsed.what == "recipes":
        _print_recipes()
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
