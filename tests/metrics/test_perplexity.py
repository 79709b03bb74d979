"""Perplexity against torch's cross-entropy of random logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.metrics import score
from pefbench.metrics.perplexity import METRIC
from tests.metrics.texts import check, draws_of

PAIR = st.tuples(st.floats(0, 500), st.integers(1, 80)).map(lambda pair: [pair[0] * pair[1] / 80, float(pair[1])])
CORPUS = st.lists(st.tuples(PAIR, st.just(["x"])), min_size=1, max_size=8)


def by_math(predictions: list[list[float]], references: list[Any]) -> dict[str, float]:  # noqa: ARG001
    return {"perplexity": math.exp(sum(nll for nll, _ in predictions) / sum(pieces for _, pieces in predictions))}


@settings(max_examples=40, deadline=None)
@given(CORPUS, st.data())
def test_values_of_any_resample(corpus: list[Any], data: st.DataObject) -> None:
    check(METRIC(), corpus, by_math, draws_of(data, corpus))


def test_it_is_the_exponential_of_torchs_mean_loss() -> None:
    logits, wanted = torch.randn(12, 7, dtype=torch.float64), torch.randint(7, (12,))
    losses = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
    answers = [{"text": "a", "nll": float(part.sum()), "pieces": len(part)} for part in losses.split([3, 1, 8])]
    found = score(METRIC(), answers, [{"texts": ["x"]}] * 3)["perplexity"]
    assert found["value"] == pytest.approx(float(losses.mean().exp()))
    assert not found["higher_is_better"]
    assert "|of:reference|mean:per-piece|log:natural|ci:" in found["signature"]


def test_uniform_guessing_has_the_vocabularys_size_and_certainty_has_one() -> None:
    assert METRIC().compute(predictions=[[5 * math.log(64), 5.0], [math.log(64), 1.0]], references=[["x"]] * 2) == {
        "perplexity": pytest.approx(64)
    }
    assert METRIC().compute(predictions=[[0.0, 4.0]], references=[["x"]]) == {"perplexity": 1.0}


def test_answers_without_a_likelihood_are_not_scored_and_no_pieces_are_an_error() -> None:
    metric = METRIC()
    assert not metric.reads("a text")
    assert not metric.reads({"text": "a"})
    assert metric.reads({"text": "a", "nll": 1.0, "pieces": 2})
    with pytest.raises(ValueError, match="the reference of example 1 has no tokens"):
        metric.weighted([[1.0, 1.0], [0.0, 0.0]], [["x"]] * 2)(np.ones((1, 2)))
