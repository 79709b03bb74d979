"""This machine, looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from pefbench import doctor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.doctor.found import Found


@pytest.fixture(scope="session")
def found() -> Iterator[Found]:
    threads = torch.get_num_threads()
    yield doctor.look()
    torch.set_num_threads(threads)
