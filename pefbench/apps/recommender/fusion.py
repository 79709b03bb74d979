"""Weights of the kinds of evidence: a conditional logit (McFadden 1974), fitted to what people took next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIDGE = 1.0
"""The ridge penalty of standardised weights, equivalent to one target."""


def fit(choices: Sequence[Floats], right: Sequence[int]) -> Floats:
    """The maximum-likelihood weights, with a ridge penalty: (f,).

    choices: for each target its candidates' features (k, f); k may differ. right: the index of the item taken.
    """
    from scipy.optimize import minimize

    rows = np.concatenate(choices)
    spread = np.where(np.ptp(rows, axis=0) > 0, rows.std(0), 1.0)
    starts = np.cumsum([0, *(len(each) for each in choices[:-1])])
    chosen = starts + np.asarray(right)
    scaled, lengths = rows / spread, np.array([len(each) for each in choices])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = scaled @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        odds = np.exp(scores)
        total = np.add.reduceat(odds, starts)
        chances = odds / np.repeat(total, lengths)
        value = float((np.log(total) - scores[chosen]).sum() + RIDGE * weights @ weights / 2)
        return value, scaled.T @ chances - scaled[chosen].sum(0) + RIDGE * weights

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / spread, np.float64)
