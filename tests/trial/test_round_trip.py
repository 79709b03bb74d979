"""What the round trip tolerates: nothing, except a GPU's rounding of generated texts."""

from __future__ import annotations

import pytest

from pefbench.analysis.tables import summary
from pefbench.heads.causal import CausalHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.token import TokenHead
from pefbench.trial.round_trip import allowed
from tests.analysis.tables.test_tables import at
from tests.sample_results import sample


@pytest.mark.parametrize(("examples", "on_gpu"), [(1, 1), (50, 1), (199, 1), (200, 2), (1000, 10)])
def test_a_generated_text_in_a_hundred_may_differ_on_a_gpu_alone(examples: int, on_gpu: int) -> None:
    head = CausalHead()
    assert allowed(head, "cpu", examples) == 0
    assert allowed(head, "cuda", examples) == on_gpu


@pytest.mark.parametrize("head", [SequenceHead(["a", "b"]), TokenHead(["O"])])
def test_labels_may_differ_nowhere(head: SequenceHead | TokenHead) -> None:
    assert allowed(head, "cpu", 1000) == allowed(head, "cuda", 1000) == 0


def test_what_differs_is_told() -> None:
    trip = {"reproduced": True, "examples": 200, "differ": 1, "seconds": 3.0}
    assert "reproduced 200 predictions in a fresh process but for 1," in summary(
        at(sample(changes={"round_trip": trip}))
    )
