"""The process that renders templates is replaced if it dies."""

from __future__ import annotations

import os
import signal

import pytest

from pefbench.models import rendering

SPOKEN = {"conversations": [[{"role": "user", "content": "é\ud83d"}]], "chat_template": "{{ messages[0]['content'] }}"}


def test_a_process_that_died_is_told_and_the_next_call_starts_another() -> None:
    assert rendering.render(SPOKEN, 5) == ["é\ud83d"]
    process = rendering._processes[os.getpid()]
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ValueError, match="its process ended with -9"):
        rendering.render(SPOKEN, 5)
    assert rendering.render(SPOKEN, 5) == ["é\ud83d"]
    assert rendering._processes[os.getpid()].pid != process.pid


def test_it_ends_with_what_asks_it() -> None:
    rendering.render(SPOKEN, 5)
    assert rendering._ended() == 0
    assert rendering._ended() == 0
