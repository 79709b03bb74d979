"""The process that renders chat templates. Each line of its input, and each line of its output, is a JSON object.

``python rendering_child.py``; a request has `seconds` and the `arguments` of transformers' renderer, and the answer has
`texts` or an `error`. The kernel ends the process if a template takes longer, and limits its memory: a template inside
C code cannot be stopped otherwise. The process ends when its input ends.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers.utils import chat_template_utils

if TYPE_CHECKING:
    from collections.abc import Mapping

library: Any = chat_template_utils
MEMORY = 512 * 2**20
"""The maximum number of bytes that a template may use."""
LONGEST = 4 * 2**20
"""The maximum number of characters that it may write."""


class Never(datetime):
    """The fixed date that replaces today: the one that Llama 3's templates write if they know none."""

    @classmethod
    def now(cls, tz: Any = None) -> Never:
        """The same every day, so that prompts are, too."""
        return cls(2024, 7, 26, tzinfo=tz)


def main() -> None:
    """Answer requests from the standard input until it ends."""
    # Used by a template's `strftime_now`; nothing else runs in this process.
    library.datetime = Never
    limit_memory()
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # anything that a library prints is not an answer
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        answer = rendered(request["arguments"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(f"{answer}\n")
        answers.flush()


def limit_memory() -> None:
    """Limit the process's memory to what it has now plus what a template may use."""
    status = Path("/proc/self/statm")  # on Linux
    if status.exists():
        pages = int(status.read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def rendered(arguments: Mapping[str, Any]) -> str:
    """What templates write, or why they failed, as JSON."""
    try:
        texts, _ = library.render_jinja_template(**arguments)
        if sum(map(len, texts)) > LONGEST:
            return json.dumps({"error": f"it writes more than {LONGEST:,} characters"})
        return json.dumps({"texts": texts})
    except MemoryError:
        return json.dumps({"error": f"it takes more than {MEMORY // 2**20} MiB of memory"})
    except Exception as error:  # noqa: BLE001 - whatever a template raises is told by who asked
        return json.dumps({"error": str(error)[:1000] or type(error).__name__})


if __name__ == "__main__":
    main()
