"""Scores from stored predictions: metrics of generated texts extract the references as in scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from pefbench.compare.outcomes import _weighted, read_rows
from pefbench.errors import DataError
from pefbench.metrics import score
from pefbench.registry import find
from pefbench.results import predictions
from pefbench.results.store import Stored
from tests.compare.finals import final

if TYPE_CHECKING:
    from pathlib import Path


def test_generated_texts_are_compared_as_they_were_scored() -> None:
    pairs = [("the cat sat on the mat", "the cat sat on a mat"), ("a dog barks at night", "a dog barks at night")]
    rows: Any = [{"prediction": given, "reference": {"texts": [right]}, "correct": False} for given, right in pairs]
    result: Any = {"recipe": {"evaluate": {"metrics": ["bleu", "chrf"]}}}
    run = _weighted(rows, "bleu", cast("Any", result))
    told = score(find("metric", "bleu")(), [row["prediction"] for row in rows], [row["reference"] for row in rows])
    assert run(np.ones((1, 2)))[0] == pytest.approx(told["bleu"]["value"])
    assert run(np.array([[0.0, 1.0]]))[0] == pytest.approx(100.0)


def test_packed_predictions_are_read_and_lost_ones_are_named(tmp_path: Path) -> None:
    outcome = final(tmp_path, "good", 1, ["a", "b"], ["a", "a"], 0.5)
    assert outcome.result is not None
    stored = Stored(outcome.path, outcome.result)
    expected = read_rows(outcome)
    packed, whole = predictions.pack(stored), predictions.file_of(stored)
    assert packed
    assert whole
    whole.unlink()
    assert read_rows(outcome) == expected
    packed.unlink()
    with pytest.raises(DataError, match=r"no predictions of final good, seed 1 beside it; remove .*\.json to run"):
        read_rows(outcome)
