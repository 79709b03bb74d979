"""The script's command line. A wrong input is one line, with exit status 2; any other error is the script's own."""

import json
import os
import re
import sys
from argparse import SUPPRESS, ArgumentParser

from pefbench.export.bundle.start import InputError, load
from pefbench.export.bundle.texts import answer  # in a script, the one of its kind

if __name__ == "__main__":
    parser = ArgumentParser("answer.py", usage=SUPPRESS, description=__doc__)  # without usage, an error is one line
    parser.add_argument("texts", nargs="*")
    parser.add_argument("--json", action="store_true")
    asked, number = parser.parse_args(), 0
    try:
        settings, tokenizer, session = load()
        files = [text for text in asked.texts if re.fullmatch(settings["file_name"], text, re.IGNORECASE)]
    except Exception as error:
        parser.error(f"damaged bundle: {' '.join(str(error).split())}")
    try:
        if files:
            parser.error(f"{files[0]} looks like a file; for its lines: < {files[0]}; a text goes to standard input")
        for number, line in enumerate(asked.texts or sys.stdin.buffer, start=1):
            text = line if isinstance(line, str) else line.decode().rstrip("\r\n")
            given = json.loads(text) if asked.json else text
            json.dumps(given, ensure_ascii=False).encode()  # no tokenizer reads half a character
            found = answer(given if isinstance(given, dict) else {"text": given}, settings, tokenizer, session)
            print(json.dumps(found, ensure_ascii=False), flush=True)
    except (InputError, json.JSONDecodeError, RecursionError, UnicodeError) as error:
        parser.error(f"input {number}: {error}; expected {settings['input']}")
    except BrokenPipeError:  # for example, answers piped into head
        os._exit(141)  # without another try to write
    if not number:
        parser.error("nothing to answer: no text was given, and standard input is empty")
