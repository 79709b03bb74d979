"""pefbench new: the skeleton of a task, a method or a metric, with its test."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from pefbench.cli._terminal import print_line
from pefbench.errors import UserError

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands

KINDS = ("task", "method", "metric")
NEXT = {
    "task": "then write a recipe that names it and check what it reads: pefbench run RECIPE --check-only",
    "method": "then see which models it works on: make matrix",
    "metric": "then name it in a recipe: -o evaluate.metrics=[{}]",
}


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    new = commands.add_parser("new", help="write the skeleton of a task, a method or a metric, with its test")
    new.add_argument("kind", choices=KINDS, metavar="KIND", help=" | ".join(KINDS))
    new.add_argument("name", metavar="NAME", help="the name in recipes, in lower case, such as part_of_speech")
    new.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from pefbench import atomic, registry
    from pefbench.paths import PACKAGE, PROJECT

    kind, name = parsed.kind, parsed.name
    if not (PROJECT / "pyproject.toml").is_file() or not (PROJECT / "tests").is_dir():
        raise UserError(f"new {kind}: {PROJECT} is not a checkout of pefbench; clone it and run `make install`")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UserError(f"new {kind} {name!r}: should be a Python name in lower case, such as part_of_speech")
    for other in KINDS:
        if name in registry.names(other):
            raise UserError(f"new {kind} {name}: a {other} of that name already exists: pefbench list {other}s")
    room = registry.FOLDERS[kind]
    files = {
        PACKAGE / room / f"{name}.py": PACKAGE / room / "_skeleton.py.txt",
        PROJECT / "tests" / room / f"test_{name}.py": PACKAGE / room / "_skeleton_test.py.txt",
    }
    for file in files:
        if file.exists():
            raise UserError(f"new {kind} {name}: {file} already exists")
    for file, skeleton in files.items():
        atomic.write_text(file, _filled(skeleton.read_text(encoding="utf8"), kind, name))
        print_line(str(file))
    print_line(f"fill in what they leave open; {NEXT[kind].format(name)}")
    return 0


def _filled(skeleton: str, kind: str, name: str) -> str:
    """The skeleton with the name in place of ``example_<kind>``, and the class named after it."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    text = skeleton.replace(f"example_{kind}", name)
    return re.sub(rf"\b(Skeleton|Example{kind.capitalize()})\b", camel, text)
