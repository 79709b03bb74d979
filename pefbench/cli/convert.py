"""pefbench convert: pickled weights to safetensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.cli._arguments import given_path
from pefbench.cli._terminal import hush_libraries, print_line

if TYPE_CHECKING:
    import argparse

    from pefbench.cli._arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    convert = commands.add_parser("convert", help="turn a model's pickled weights into safetensors, running no code")
    convert.add_argument("folder", type=given_path, metavar="FOLDER", help="a model's folder with pytorch_model.bin")
    convert.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    hush_libraries()
    from pefbench.models.pickled import convert

    print_line(f"written: {convert(parsed.folder)}")
    return 0
