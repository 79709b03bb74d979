"""The weights are those of the model that generated the choices."""

from __future__ import annotations

import numpy as np

from pefbench.apps.recommender import fusion


def test_weights_that_made_choices_are_found() -> None:
    draw, weights = np.random.default_rng(0), np.array([2.0, -1.0, 0.0])
    choices = [draw.normal(size=(draw.integers(2, 30), 3)) * [1.0, 5.0, 0.1] for _ in range(3000)]
    right = [int((each @ (weights / [1.0, 5.0, 0.1]) + draw.gumbel(size=len(each))).argmax()) for each in choices]
    found = fusion.fit(choices, right) * [1.0, 5.0, 0.1]
    assert np.allclose(found, weights, atol=0.15)


def test_what_says_nothing_gets_no_weight() -> None:
    choices = [np.array([[1.0, 3.0], [0.0, 3.0]])] * 20
    assert abs(fusion.fit(choices, [0] * 20)[1]) < 1e-9
