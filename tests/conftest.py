"""What all tests share: quiet libraries, no network, a small world on disk."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

# Before any test imports a library: nothing here may reach a hub, and two test workers share two cores.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pytest
import torch

from tests.worlds import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _same_every_time() -> None:
    """Seed what a test draws from, so that it is the same whatever ran before it in its worker."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a tiny model and a tagged corpus that it can learn."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder for results."""
    return tmp_path / "results"
