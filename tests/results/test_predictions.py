"""The predictions that a trial keeps: what depends on each other is read with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.results.predictions import clusters

if TYPE_CHECKING:
    from pefbench.results.predictions import Row


def test_clusters_are_those_of_all_examples_or_none() -> None:
    row: Row = {"id": 0, "prediction": "a", "reference": "a", "correct": True}
    in_cluster: Row = {**row, "cluster": 3}
    assert clusters([in_cluster, in_cluster]) == [3, 3]
    assert clusters([in_cluster, row]) is None
    assert clusters([row]) is None
