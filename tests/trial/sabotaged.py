"""`python -m tests.trial.sabotaged ...`: pefbench whose second process breaks in the middle of its training."""

from __future__ import annotations

import os
import runpy
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


if __name__ == "__main__":
    second = os.environ["RANK"] == "1"
    with mock.patch.object(loop.Training, "_step", breaks) if second else nullcontext():
        runpy.run_module("pefbench", run_name="__main__")
