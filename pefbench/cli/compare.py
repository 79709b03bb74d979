"""pefbench compare: methods tuned alike, then compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pefbench.cli._arguments import add_out, add_overrides, given_path
from pefbench.cli._resources import add_resources, resources_of
from pefbench.cli._terminal import print_line
from pefbench.errors import UserError, suggest

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    compare = commands.add_parser(
        "compare", help="tune methods under the same budget, then compare them; runs only missing trials"
    )
    compare.add_argument(
        "comparison",
        type=given_path,
        metavar="COMPARISON",
        help="a YAML file, or the name of one in recipes/compare, such as ner",
    )
    compare.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME",
        help="compare this method of the file; repeat for each (default: all)",
    )
    add_overrides(compare, "a field of the base recipe, as in -o train.epochs=1; may be repeated")
    add_out(compare)
    add_resources(compare)
    compare.add_argument(
        "--dry-run", action="store_true", help="print the plan and an estimate of its duration, then stop"
    )
    compare.add_argument(
        "--give-up",
        action="store_true",
        help="rank crashed tuning trials last, instead of running them again at the next start",
    )
    compare.set_defaults(run=_run, resumes=True)


def _file(path: Path) -> Path:
    """The path, or the comparison file with this name."""
    from pefbench import registry

    if path.is_file() or path.suffix or path.name != str(path):
        return path
    files = {file.stem: file for file in reversed(registry.comparisons())}
    if path.name not in files:
        raise UserError(f"no comparison {path.name!r} in recipes/compare; {suggest(path.name, files)}")
    return files[path.name]


def _run(parsed: argparse.Namespace) -> int:
    from pefbench.compare import grid, report

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("compare starts the processes that it needs; run it without a launcher")
    wanted = grid.Wanted(
        _file(parsed.comparison),
        parsed.out,
        resources_of(parsed),
        tuple(parsed.override),
        give_up=parsed.give_up,
        command=parsed.command,
        methods=tuple(parsed.method),
    )
    if parsed.dry_run:
        print_line(grid.dry_run(wanted))
        return 0
    path = grid.compare(wanted)
    verdict = report.read(path)
    print_line(report.render(verdict))
    print_line(f"comparison: {path}")
    return 0 if verdict["complete"] else 1
