"""pefbench predict: a saved trial answers texts, a file of them, or lines from standard input."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, cast

from pefbench import collecting
from pefbench.cli._arguments import given_address, given_path
from pefbench.cli._terminal import hush_libraries, print_line
from pefbench.errors import DataError, UserError, counted, quoted
from pefbench.file_names import names_a_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pefbench.cli._arguments import Commands, Parser
    from pefbench.inference.model import Input, Model


def add(commands: Commands) -> None:
    """Add the command to the subparsers of argparse."""
    predict = cast("Parser", commands.add_parser("predict", help="predict with the saved model of a trial"))
    predict.intermixed = True
    predict.add_argument(
        "trial",
        type=given_path,
        metavar="TRIAL",
        help="a trial's folder results/RECIPE/ID, its result, or its model folder",
    )
    predict.add_argument(
        "texts",
        nargs="*",
        default=[],
        metavar="TEXT",
        help="a text, or a JSON object for tasks that need more; without any, lines are read from standard input",
    )
    predict.add_argument("--file", type=given_path, metavar="FILE", help="answer each row of a file in any format")
    predict.add_argument(
        "--out", type=given_path, metavar="FILE", help="with --file: file for the answers, as JSON lines"
    )
    predict.add_argument("--format", metavar="NAME", help="with --file: its format (default: by its suffix)")
    predict.add_argument(
        "--base", type=given_address, metavar="ADDRESS", help="where the pretrained model is now, if it has moved"
    )
    predict.add_argument("--json", action="store_true", help="print full answers, one JSON object per line")
    predict.set_defaults(run=_run, resumes=True)


def _run(parsed: argparse.Namespace) -> int:
    _check(parsed)
    with collecting.paused():
        hush_libraries()
        from pefbench.inference import files, loading
        from pefbench.trial.devices import set_threads

    folder = loading.find(parsed.trial)
    if parsed.file is not None:
        files.check(parsed.file, parsed.out)
    set_threads(None)
    model = loading.load(folder, parsed.base)
    if parsed.file is not None:
        count = files.predict(model, folder, parsed.file, parsed.out, named=parsed.format)
        print_line(f"{parsed.out}: {counted(count, 'answer')}")
        return 0
    for number, given in enumerate(_inputs(parsed.texts, model), start=1):
        [answer] = model.answers([model.query(given, f"text {number}")])
        print_line(json.dumps(answer, ensure_ascii=False) if parsed.json else model.line(answer))
    return 0


def _check(parsed: argparse.Namespace) -> None:
    """Raise UserError for options that do not go together."""
    if (parsed.file is None) != (parsed.out is None):
        raise UserError("--file and --out go together: --file in.csv --out out.jsonl")
    if parsed.file is not None and parsed.texts:
        raise UserError("give texts or --file, not both")
    if parsed.format is not None and parsed.file is None:
        raise UserError("--format is the format of --file, which is missing")
    if files := [text for text in parsed.texts if names_a_file(text)]:
        raise UserError(
            f"{files[0]}: looks like a file; --file {files[0]} --out answers.jsonl answers its rows. If it is a "
            "text, use standard input"
        )


def _inputs(texts: list[str], model: Model) -> Iterator[Input]:
    """The texts of the command line, or the lines of standard input as they arrive. Raises DataError if none."""
    lines = iter(texts) if texts else _lines()
    number = 0
    for number, line in enumerate(lines, start=1):
        yield _input(line, number, model)
    if not number:
        raise DataError("nothing to answer: no text was given, and standard input is empty")


def _input(line: str, number: int, model: Model) -> Input:
    """A text, or a JSON object. Raises DataError if the model does not accept a plain text."""
    try:
        value = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        value = None
    if model.reads_texts and not (isinstance(value, dict) and model.knows(value)):
        return line
    if isinstance(value, dict):
        return value
    example = json.dumps(dict.fromkeys(filter(model.needs, model.columns), "..."))
    raise DataError(f"text {number}: this model reads JSON objects such as {example}, got {quoted(line)}")


def _lines() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise DataError(f"line {number} of standard input is not UTF-8 text") from None
