"""The script's command line: answers arguments or lines of standard input. An error is one line, with exit status 2."""

from __future__ import annotations

import json
import re  # noqa: F401 - `names_a_file` needs it
import sys
from typing import Any

from pefbench.export.bundle.common import Bundle
from pefbench.file_names import FILE_NAME, SUFFIXES, names_a_file  # noqa: F401 - `names_a_file` needs them


def main(answer: Any) -> None:
    """Answer the arguments, or the lines of standard input. answer: takes a bundle and an input."""
    texts = [each for each in sys.argv[1:] if each != "--json"]
    for text in texts:
        if text.startswith("--"):
            raise wrong(f"{text}: unknown option; there is only --json. Texts that begin so go to standard input")
        if names_a_file(text):
            raise wrong(f"{text}: looks like a file; < {text} reads its lines. If it is a text, use standard input")
    bundle, number = opened(), 0
    for number, line in enumerate(texts or sys.stdin.buffer, start=1):
        try:
            given = line if isinstance(line, str) else line.decode().rstrip("\r\n")
            print(json.dumps(answer(bundle, parsed(given)), ensure_ascii=False), flush=True)
        except KeyError as error:
            raise wrong(f"input {number}: has no {error}") from None
        except TypeError:
            raise wrong(f"input {number}: has something else where a text is needed") from None
        except UnicodeError:
            raise wrong(f"input {number}: is not UTF-8 text") from None
        except ValueError as error:
            raise wrong(f"input {number}: {error}") from None
    if not number:
        raise wrong("nothing to answer: no text was given, and standard input is empty")


def opened() -> Bundle:
    """The bundle in this script's folder."""
    try:
        return Bundle()
    except Exception as error:  # noqa: BLE001 - tokenizers and onnxruntime have no exception classes of their own
        raise wrong(f"the bundle is damaged: {' '.join(str(error).split())}") from None


def parsed(line: str) -> Any:
    """An input: a text or, with --json, a JSON string or object. Raises ValueError for anything else."""
    if "--json" not in sys.argv[1:]:
        return line
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, str | dict):
        raise ValueError('with --json an input is a text in quotes or an object such as {"text": "..."}')  # noqa: TRY004
    return given


def wrong(said: str) -> SystemExit:
    """Print the error; return the exception that ends the script."""
    print(f"error: {said}", file=sys.stderr)
    return SystemExit(2)
