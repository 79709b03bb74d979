"""A process notices that its launcher was killed; other parents do not matter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pefbench.paths import child_environment

if TYPE_CHECKING:
    from pathlib import Path

CHILD = """
import sys, time
from pefbench import launched
launched.launcher()
print("looks", flush=True)
while True:
    with open(sys.argv[1], "a") as file:
        file.write("orphaned " if launched.is_orphaned() else "alone " if launched.launcher() is None else "launched ")
    time.sleep(.02)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[2:]])"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("name", "before", "after"), [("accelerate", "launched", "orphaned"), ("shell", "alone", "alone")]
)
def test_what_a_process_knows_of_a_killed_launcher(name: str, before: str, after: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, name, CHILD, str(notes)],
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
        start_new_session=True,
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "looks\n"
        _wait_for_another(notes)
        assert {*notes.read_text().split()} == {before}
        parent.kill()
        parent.wait()
        notes.write_text("")
        _wait_for_another(notes)
        assert notes.read_text().split()[-1] == after
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


def _wait_for_another(notes: Path) -> None:
    """Wait until two more words have been written."""
    size, until = notes.stat().st_size if notes.exists() else 0, time.monotonic() + 60
    while not notes.exists() or notes.stat().st_size < size + 20:
        assert time.monotonic() < until
        time.sleep(0.02)
