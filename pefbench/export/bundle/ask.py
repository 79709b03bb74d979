"""The script's command line. A mistake is one line, with exit status 2."""

import json
import os
import re
import sys
from argparse import SUPPRESS, ArgumentParser

from pefbench.export.bundle.start import load
from pefbench.export.bundle.texts import answer  # in a script, the one of its kind

if __name__ == "__main__":
    parser = ArgumentParser("answer.py", usage=SUPPRESS, description=__doc__)  # without usage, an error is one line
    parser.add_argument("texts", nargs="*")
    parser.add_argument("--json", action="store_true")
    asked, number = parser.parse_args(), 0
    try:
        settings, tokenizer, session = load()
        if files := [text for text in asked.texts if re.fullmatch(settings["file_name"], text, re.IGNORECASE)]:
            parser.error(f"{files[0]} looks like a file; for its lines: < {files[0]}; a text goes to standard input")
        for number, line in enumerate(asked.texts or sys.stdin.buffer, start=1):
            text = line if isinstance(line, str) else line.decode().rstrip("\r\n")
            given = json.loads(text) if asked.json else text
            found = answer(given if isinstance(given, dict) else {"text": given}, settings, tokenizer, session)
            print(json.dumps(found, ensure_ascii=False), flush=True)
    except BrokenPipeError:  # for example, answers piped into head
        os._exit(141)  # without another try to write
    except Exception as error:
        said = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        parser.error(f"input {number}: {said}; expected {settings['input']}" if number else f"damaged bundle: {said}")
    if not number:
        parser.error("nothing to answer: no text was given, and standard input is empty")
