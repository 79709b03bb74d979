"""pefbench schema: the JSON schema of recipes or of comparison files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pefbench.cli._terminal import print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    schema = commands.add_parser("schema", help="print the JSON schema of recipes or comparison files, for editors")
    schema.add_argument(
        "of",
        nargs="?",
        choices=("recipe", "compare"),
        default="recipe",
        help="which files: recipes, or comparisons (default: recipe)",
    )
    schema.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.cli import _json_schema

    made = _json_schema.recipe_schema() if parsed.of == "recipe" else _json_schema.comparison_schema()
    print_line(json.dumps(made, indent=1, ensure_ascii=False))
    return 0
