"""pefbench list: what there is to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.cli._terminal import complain, print_line
from pefbench.errors import RecipeError, UserError
from pefbench.paths import PACKAGE

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands

LISTS = ("tasks", "methods", "metrics", "formats", "recipes", "fields")


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    listing = commands.add_parser("list", help="list tasks, methods, metrics, data formats, recipes or recipe fields")
    listing.add_argument("what", choices=LISTS)
    listing.add_argument(
        "name", nargs="?", metavar="NAME", help="with fields: a section, such as train, or a task, method or metric"
    )
    listing.add_argument("--matrix", action="store_true", help="with methods: which models and heads each one works on")
    listing.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    if parsed.matrix and parsed.what != "methods":
        raise UserError(f"list {parsed.what} --matrix: only methods have a matrix: pefbench list methods --matrix")
    if parsed.name is not None and parsed.what != "fields":
        raise UserError(
            f"list {parsed.what} {parsed.name}: only fields take a name: pefbench list fields {parsed.name}"
        )
    if parsed.matrix:
        from pefbench.cli import _matrix

        print_line(_matrix.render(_matrix.load()))
    elif parsed.what == "recipes":
        _print_recipes()
    elif parsed.what == "fields":
        from pefbench.cli import _fields

        print_line(_fields.render(parsed.name))
    else:
        _print_summaries(parsed.what)
    return 0


def _print_summaries(what: str) -> None:
    """Print one line for each task, method, metric or format."""
    from pefbench import registry

    kind = what.removesuffix("s")
    if kind == "format":
        from pefbench.sources import readers

        summaries = {name: readers.summary(name) for name in readers.names()}
    else:
        summaries = {name: registry.summary(kind, name) for name in registry.names(kind)}
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        print_line(f"{name:{width}}  {summary}")


def _print_recipes() -> None:
    """Print each recipe with its methods, then the comparisons; warn about a file that is not a recipe."""
    from pefbench import registry
    from pefbench.recipe_file import methods_of

    for file in registry.recipes():
        try:
            methods = methods_of(file)
        except RecipeError as error:
            complain(f"warning: skipped {error}")
            continue
        print_line(f"{_as_typed(file)}  {_first_comment(file)}")
        if methods:
            print_line(f"    --method {', '.join(methods)}")
    for file in registry.comparisons():
        print_line(f"{_as_typed(file)}  {_first_comment(file)}")


def _as_typed(file: Path) -> Path:
    """The path relative to the working directory if the file is below it; for a file in the package, its name."""
    here = Path.cwd()
    if file.is_relative_to(here):
        return file.relative_to(here)
    return Path(file.stem) if file.is_relative_to(PACKAGE) else file


def _first_comment(file: Path) -> str:
    """The first comment of a YAML file, to the end of its sentence; the comment for editors is skipped."""
    text = ""
    for line in file.read_text(encoding="utf8", errors="replace").splitlines():
        if not line.startswith("#") or text.endswith((".", ":")):
            break
        if not line.startswith("# yaml-language-server:"):
            text += f" {line.lstrip('# ')}"
    return (text[: text.rfind(". ") + 1] or text if text.endswith(":") else text).strip()
