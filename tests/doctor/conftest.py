"""This machine, examined once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from pefbench import doctor
from pefbench.doctor import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.doctor.found import Found


@pytest.fixture(scope="session")
def found() -> Iterator[Found]:
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "TRYING", 300.0)  # other workers keep the cores busy
        looked = doctor.look()
    yield looked
    torch.set_num_threads(threads)
