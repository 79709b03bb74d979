"""When to answer: a confidence, and the threshold at which wrong answers stay under a stated rate.

The confidence is a logistic regression on a part of the held-out questions. The threshold comes from the other part:
ever lower thresholds are tried, and the last is kept before the Clopper-Pearson bound of the share of wrong answers
exceeds the rate (fixed-sequence testing, Angelopoulos et al. 2021, arXiv:2110.01052, section 3). With probability
1 - `risk` the true share of wrong answers among those given is at most the rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rights = NDArray[np.bool_]

STEPS = 50
"""Thresholds that are tried."""
NOTHING = 2.0
"""A threshold that no confidence reaches."""


@dataclass(frozen=True)
class Rule:
    """The rule of one assistant.

    weights, bias: of the confidence. threshold: answers below it are handed over; above 1 all are. rate, risk: what was
    asked for. answered, wrong: of the `held_out` questions that chose the threshold.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float
    rate: float
    risk: float
    answered: int
    wrong: int
    held_out: int

    def confidence(self, features: Floats) -> Floats:
        """The probability that each candidate is right; features: (n, f)."""
        return np.asarray(1 / (1 + np.exp(-(features @ np.array(self.weights) + self.bias))))


def clopper_pearson(wrong: int, answered: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    if not answered:
        return 0.0, 1.0
    interval = binomtest(wrong, answered).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def upper(wrong: int, answered: int, risk: float) -> float:
    """The one-sided upper bound of a share that is exceeded with probability `risk` at most."""
    from scipy.stats import beta

    return 1.0 if wrong >= answered else float(beta.ppf(1 - risk, wrong + 1, answered - wrong))


def threshold(
    first: Floats, first_right: Rights, confidences: Floats, right: Rights, rate: float, risk: float
) -> float:
    """The lowest threshold shown to keep wrong answers under the rate; above 1 where none is.

    first, first_right: (m,), of other questions, which say what is tried: from the threshold at which they promise most
    to ever lower ones. confidences, right: (n,), of the questions that decide.
    """
    if not len(first):
        return NOTHING
    tried = np.quantile(first, 1 - np.linspace(0, 1, STEPS + 1)[1:])
    promised = [upper(*_counted(first, first_right, each), risk) for each in tried]
    kept = NOTHING
    for each in tried[int(np.argmin(promised)) :]:
        if upper(*_counted(confidences, right, each), risk) > rate:
            break
        kept = float(each)
    return kept


def _counted(confidences: Floats, right: Rights, at: float) -> tuple[int, int]:
    """The wrong answers at a threshold, and all of them."""
    given = confidences >= at
    return int((given & ~right).sum()), int(given.sum())


def fit(
    fitting: Sequence[tuple[Floats, Rights]],
    deciding: Sequence[tuple[Floats, Rights]],
    *,
    rate: float,
    risk: float,
) -> Rule:
    """A rule from held-out questions, each with the features of its candidates (k, f) and whether each is right (k,).

    A question without candidates is left out: it is handed over in any case.
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([features for features, _ in fitting])
    labels = np.concatenate([right for _, right in fitting])
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    if labels.all() or not labels.any():
        weights, bias = np.zeros(rows.shape[1]), 0.0
    else:
        model: Any = LogisticRegression(max_iter=1000).fit((rows - mean) / spread, labels)
        weights = model.coef_[0] / spread
        bias = float(model.intercept_[0] - weights @ mean)
    rule = Rule(tuple(map(float, weights)), bias, NOTHING, rate, risk, 0, 0, len(deciding))
    confidences, right = _best(rule, deciding)
    kept = threshold(*_best(rule, fitting), confidences, right, rate, risk)
    wrong, answered = _counted(confidences, right, kept)
    return Rule(rule.weights, bias, kept, rate, risk, answered, wrong, len(deciding))


def _best(rule: Rule, questions: Sequence[tuple[Floats, Rights]]) -> tuple[Floats, Rights]:
    """The confidence of each question's best candidate, and whether it is right."""
    confidences, rights = [], []
    for features, right in questions:
        scores = rule.confidence(features)
        best = int(scores.argmax())
        confidences.append(scores[best])
        rights.append(right[best])
    return np.array(confidences), np.array(rights, bool)
