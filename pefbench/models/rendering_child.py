"""The process that renders chat templates: each line of its input is a JSON object, and so is each line that it writes.

``python rendering_child.py``; what is asked for are `seconds` and the `arguments` of transformers' renderer, and the
answer is `texts` or an `error`. The kernel ends the process where a template takes longer, and refuses it memory where
it takes more: what a template does inside C code cannot be stopped otherwise. It ends with its input.
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
"""Bytes that a template may take."""
LONGEST = 4 * 2**20
"""Characters that it may write."""


class Never(datetime):
    """The date that stands for today: the one that templates of Llama 3 write where they know none."""

    @classmethod
    def now(cls, tz: Any = None) -> Never:
        """The same on every day, so that a prompt is, too."""
        return cls(2024, 7, 26, tzinfo=tz)


def main() -> None:
    """Render what the standard input asks for, until it ends."""
    # What `strftime_now` of a template calls; nothing else runs in this process.
    library.datetime = Never
    limit_memory()
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library may print is no answer
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        answer = rendered(request["arguments"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(f"{answer}\n")
        answers.flush()


def limit_memory() -> None:
    """Let the process take no more memory than it has now, and what a template may take."""
    status = Path("/proc/self/statm")  # of Linux
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
