"""Arguments that several commands share, and types of numeric arguments."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pefbench.errors import one_line, quoted, suggest

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """What `add_subparsers` returns: argparse has no public name for it."""


UNRECOGNIZED = "unrecognized arguments: --"
INVALID = re.compile(r"invalid (int|float) value: ")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line; `hidden` choices are accepted but not suggested.

    intermixed: whether options may stand between the values of an argument that takes any number of them.
    """

    hidden = frozenset({"worker"})
    intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, which supports intermixed options for a top-level parser but not for a command's parser."""
        if not self.intermixed:
            return super().parse_known_args(args, namespace)
        self.intermixed = False  # argparse's own method calls this one twice
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.intermixed = True

    def error(self, message: str) -> NoReturn:
        """Print one line instead of the usage, and exit."""
        text = INVALID.sub(_should_be, message.removeprefix("argument "))
        if text.startswith(UNRECOGNIZED):
            text += _field_meant(text.removeprefix(UNRECOGNIZED))
        self.exit(2, f"error: {one_line(f'{self.prog}: {text}; see {self.prog} --help')}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            option = f"{'/'.join(action.option_strings)}: " if action.option_strings else ""
            valid = set(map(str, action.choices)) - self.hidden
            raise argparse.ArgumentError(None, f"{option}invalid choice {str(value)!r}; {suggest(str(value), valid)}")


def _should_be(found: re.Match[str]) -> str:
    """argparse's message about a Python type, reworded for users."""
    return f"should be a {'whole ' if found[1] == 'int' else ''}number, got "


def _field_meant(unrecognized: str) -> str:
    """A hint if an unknown option names a recipe field: ``--epochs 3`` is ``-o train.epochs=3``."""
    from pefbench.other_names import OURS
    from pefbench.recipe import SECTIONS

    name, _, value = unrecognized.replace("=", " ").partition(" ")
    name = name.replace("-", "_")
    ours = [f"{section}.{name}" for section, fields in SECTIONS.items() if name in fields.model_fields]
    meant = next(iter(ours or [OURS[name]] if ours or name in OURS else []), None)
    return f"; fields of the recipe are set by -o, as in -o {meant}={value.split(' ')[0] or '...'}" if meant else ""


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, the method and the overrides to a command."""
    parser.add_argument(
        "recipe",
        type=given_path,
        metavar="RECIPE",
        help="a YAML file, or a name from `pefbench list recipes`, such as ner",
    )
    parser.add_argument("--method", metavar="NAME", help="fine-tuning method, such as lora (default: the recipe's)")
    add_overrides(parser, "a field of the recipe, as in -o train.epochs=1; may be repeated")


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``-o KEY.PATH=VALUE`` to a command."""
    parser.add_argument(
        "-o", dest="override", action="append", default=[], metavar="KEY.PATH=VALUE", help=f"override {what}"
    )


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the results folder to a command."""
    parser.add_argument(
        "--out",
        type=given_address,
        default="results",
        metavar="DIR",
        help="results folder, or the address of a store, such as s3://bucket/results (default: results)",
    )


def add_results(parser: argparse.ArgumentParser, what: str = "a folder of results") -> None:
    """Add the argument for the results to read to a command."""
    parser.add_argument(
        "results",
        type=given_address,
        metavar="RESULTS",
        help=f"{what}, or the address of a store, such as s3://bucket/results",
    )


def port(text: str) -> int:
    """A port to listen at; 0: a free one. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"should be a whole number from 0 to 65535, got {quoted(text)}")
    return int(text)


def given_path(text: str) -> Path:
    """A path. Raises ArgumentTypeError where it is empty: it would be the working directory."""
    return Path(given_address(text))


def given_address(text: str) -> str:
    """A path, or an address. Raises ArgumentTypeError where it is empty, as an unset variable of a shell is."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file, a folder or an address")
    return text


def positive(text: str) -> float:
    """A number of 0 or more. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"should be a number of 0 or more, got {quoted(text)}")
    return value


def count(text: str) -> int:
    """A whole number of 1 or more. Raises ArgumentTypeError."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"should be a whole number of 1 or more, got {quoted(text)}")
    return value
