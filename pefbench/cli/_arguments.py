"""Arguments that several commands share, and the kinds of numbers that arguments are."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """What `add_subparsers` returns: argparse has no public name for it."""


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, the method and the overrides to a command."""
    parser.add_argument(
        "recipe", type=Path, metavar="RECIPE", help="a YAML file, or a name from `pefbench list recipes`, such as ner"
    )
    parser.add_argument("--method", metavar="NAME", help="fine-tuning method, such as lora (default: the recipe's)")
    add_overrides(parser, "a field of the recipe, as in -o train.epochs=1; may be repeated")


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``-o KEY.PATH=VALUE`` to a command."""
    parser.add_argument(
        "-o", dest="override", action="append", default=[], metavar="KEY.PATH=VALUE", help=f"override {what}"
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the results folder to a command."""
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="results folder (default: results)"
    )


def positive(text: str) -> float:
    """A number of 0 or more. Raises ArgumentTypeError for others, ValueError for what is no number."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return value


def count(text: str) -> int:
    """A whole number of 1 or more. Raises ArgumentTypeError for others, ValueError for what is no number."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
    return value
