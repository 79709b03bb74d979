"""`python -m tests.trial.sabotaged ...`: pefbench whose second process fails during training.

With `KILLED_RANK` in the environment that process is killed instead, after its first checkpoint.
"""

from __future__ import annotations

import os
import runpy
import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING
from unittest import mock

from pefbench.trial import loop

if TYPE_CHECKING:
    from pefbench.trial.batching import Indices

step = loop.Training._step


def breaks(self: loop.Training, batch: Indices) -> None:
    if self.at.step == 3:
        raise RuntimeError("this process broke on purpose")
    step(self, batch)


def dies(self: loop.Training, batch: Indices) -> None:
    if self.at.step == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    step(self, batch)


if __name__ == "__main__":
    rank = os.environ["RANK"]
    fault = dies if "KILLED_RANK" in os.environ else breaks
    faulty = rank == os.environ.get("KILLED_RANK", "1")
    with mock.patch.object(loop.Training, "_step", fault) if faulty else nullcontext():
        runpy.run_module("pefbench", run_name="__main__")
