"""What is compared: a metric of generated texts takes the right texts out of a reference, as scoring does."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from pefbench.compare.outcomes import _weighted
from pefbench.metrics import score
from pefbench.registry import find


def test_generated_texts_are_compared_as_they_were_scored() -> None:
    pairs = [("the cat sat on the mat", "the cat sat on a mat"), ("a dog barks at night", "a dog barks at night")]
    rows: Any = [{"prediction": given, "reference": {"texts": [right]}, "correct": False} for given, right in pairs]
    result: Any = {"recipe": {"evaluate": {"metrics": ["bleu", "chrf"]}}}
    run = _weighted(rows, "bleu", cast("Any", result))
    told = score(find("metric", "bleu")(), [row["prediction"] for row in rows], [row["reference"] for row in rows])
    assert run(np.ones((1, 2)))[0] == pytest.approx(told["bleu"]["value"])
    assert run(np.array([[0.0, 1.0]]))[0] == pytest.approx(100.0)
