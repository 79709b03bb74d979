"""Runs code in forks of one interpreter that has imported libraries, which saves seconds of imports each time.

For tests of what an import does: the code runs as in a fresh interpreter that has imported only these modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn, Self


class Interpreter:
    """An interpreter that has imported some modules, for a `with` block."""

    def __init__(self, *modules: str, options: Sequence[str] = ()) -> None:
        self._command = [sys.executable, "-P", *options, __file__, *modules]

    def __enter__(self) -> Self:
        from pefbench.paths import child_environment  # here: the interpreter, which runs this file, is without it

        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment()
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, code: str) -> str:
        """Run code in a fork; return what it prints. Raises AssertionError if it ends with an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        status, printed = json.loads(self._process.stdout.readline())
        assert status == 0, printed
        return str(printed).strip()


def _serve() -> None:
    """Run each line of standard input in a fork; answer with its exit status and what it printed."""
    for name in sys.argv[1:]:
        __import__(name)
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                os.dup2(printed.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                _run(json.loads(line))
            _, status = os.waitpid(child, 0)
            shown = errors if status else printed
            shown.seek(0)
            print(json.dumps([status, shown.read()]), flush=True)  # noqa: T201


def _run(code: str) -> NoReturn:
    status = 1
    try:
        exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
        status = 0
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
