"""Shared fixtures: a small world on disk, fixed seeds, forked child processes."""

from __future__ import annotations

import gc
import os
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from pefbench import paths
from tests import zygote
from tests.interpreters import below_peft, with_models
from tests.postgres import postgres
from tests.slurm import slurm
from tests.stores import bucket, read_only, s3_server
from tests.trials import _round_trips_here, classifier, fresh_round_trips, tagger
from tests.worlds import World

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "_round_trips_here",
    "below_peft",
    "bucket",
    "classifier",
    "fresh_round_trips",
    "postgres",
    "read_only",
    "s3_server",
    "slurm",
    "tagger",
    "with_models",
]
"""Fixtures that other modules define."""


@pytest.fixture(scope="module", autouse=True)
def _collect_only_new_objects() -> None:
    """Exclude existing objects from garbage collection before each file: trials collect, which would scan them all."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _same_every_time() -> None:
    """Seed the global generators, so that a test does not depend on those that ran before it in the same worker."""
    random.seed(0)
    np.random.seed(0)
    if torch.cuda.is_available():
        torch.manual_seed(0)
    else:  # torch.manual_seed records a traceback for each uninitialised device: half the time of a short test
        torch.default_generator.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _quick_children(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make child processes forks of one that has imported everything: see `zygote`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share one
        folder = folder.parent
    paths.INTERPRETER = zygote.write_client(folder)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a tiny model and a tagged corpus that it can learn."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder for results."""
    return tmp_path / "results"
