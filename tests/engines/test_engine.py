"""The queue, leases and results of a cluster whose nodes die, and the choice of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.cluster import simulate
from pefbench.engines.engine import Resources, engine
from pefbench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def test_on_a_cluster_that_fails_no_trial_is_lost_or_run_twice(tmp_path: Path) -> None:
    counts = simulate(150, tmp_path, workers=12)
    assert counts["lost"] == counts["run twice"] == 0
    assert counts["died"] + counts["preempted"] > 0
    assert counts["runs"] == 150 + counts["died"] + counts["preempted"]


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(cpus=2), "^--cpus: needs --on ray or --on slurm$"),
        (Resources(gpus=1), "^--gpus: needs --on ray or --on slurm$"),
        (Resources("ray", partition="x"), "^--partition: needs --on slurm$"),
        (Resources("ray", minutes=60), "^--time-limit: needs --on slurm$"),
        (Resources(minutes=60), "^--time-limit: needs --on slurm$"),
    ],
)
def test_what_an_engine_has_no_use_for_is_refused(resources: Resources, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        engine(tmp_path, resources)
