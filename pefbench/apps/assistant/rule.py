"""When to answer: a confidence, and a threshold that keeps wrong answers below a given rate.

The confidence is a logistic regression fitted to one part of the held-out questions. The other part determines the
threshold: thresholds are tested in decreasing order, and the last one is kept at which few enough answers are wrong to
show that the rate holds (fixed-sequence testing, Angelopoulos et al. 2021, arXiv:2110.01052, section 3). With
probability 1 - `risk`, the true share of wrong answers among those given is at most the rate. Questions of one group,
such as those of a template, count no more than copies of one question would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pefbench.apps.assistant.bounds import Counts, p_value, part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rights = NDArray[np.bool_]

PARTS = 4
"""One in this many groups fits the confidence, which has few weights; the threshold gets all other questions."""
STEPS = 50
"""How many thresholds are tested."""
NOTHING = 2.0
"""A threshold that no confidence reaches."""


class Asked(NamedTuple):
    """A held-out question: its candidates' features (k, f), whether each is right (k,), whether it is out of scope.

    group: shared with similar questions.
    """

    features: Floats
    right: Rights
    outside: bool
    group: str


@dataclass(frozen=True)
class Rule:
    """The rule of one assistant.

    weights, bias: of the confidence. threshold: answers below it are handed over; if it is above 1, all are. rate,
    risk: the requested limits. share: the largest share of questions out of scope for which they hold. answered, wrong:
    among the `held_out` questions that determined the threshold.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float
    rate: float
    risk: float
    share: float
    answered: int
    wrong: int
    held_out: int

    def confidence(self, features: Floats) -> Floats:
        """The probability that each candidate is right; features: (n, f)."""
        return np.asarray(1 / (1 + np.exp(-(features @ np.array(self.weights) + self.bias))))


class Best(NamedTuple):
    """The best candidate of each question: its confidence (0 if none), whether it is right, out of scope: each (n,).

    groups: the number of each question's group.
    """

    confidences: Floats
    right: Rights
    outside: Rights
    groups: NDArray[np.int64]

    def at(self, threshold: float) -> Counts[int]:
        """The counts if confidences from this threshold on are answered."""
        given = self.confidences >= threshold
        return Counts(
            inside=int((~self.outside).sum()),
            answered=int((given & ~self.outside).sum()),
            wrong=int((given & ~self.outside & ~self.right).sum()),
            outside=int(self.outside.sum()),
            let_through=int((given & self.outside).sum()),
        )

    def independent(self, threshold: float) -> Counts[float]:
        """The counts of `at`, scaled to the effective number of independent questions."""
        return self._scaled(self.at(threshold), threshold)

    def expected(self, threshold: float, times: float) -> Counts[float]:
        """The counts to expect among `times` as many independent questions, if the confidences in scope are true.

        Where hardly any answer is wrong, the confidences tell more than the number of wrong ones.
        """
        given = (self.confidences >= threshold) & ~self.outside
        found, likely = self.at(threshold), float((1 - self.confidences[given]).sum())
        expected = Counts[float](found.inside, found.answered, likely, found.outside, found.let_through)
        return Counts(*(count * times for count in self._scaled(expected, threshold)))

    def _scaled(self, found: Counts[float], threshold: float) -> Counts[float]:
        """Counts at a threshold, each question counting for as much as it is worth among its group."""
        given = self.confidences >= threshold
        inside, outside = (
            min(part(self.groups[kind]), part(self.groups[kind & given])) for kind in (~self.outside, self.outside)
        )
        return Counts(
            inside=found.inside * inside,
            answered=found.answered * inside,
            wrong=found.wrong * inside,
            outside=found.outside * outside,
            let_through=found.let_through * outside,
        )


def threshold(first: Best, deciding: Best, rate: float, risk: float, share: float | None = None) -> float:
    """The lowest threshold shown to keep wrong answers below the rate; above 1 if there is none.

    first: other questions, which determine the sequence of tests: from the most promising threshold downwards, at the
    number of questions that decide. deciding: the questions on which thresholds are tested. share: of questions out of
    scope, see `bounds.p_value`.
    """
    reached = first.confidences[first.confidences > 0]
    if not len(reached):
        return NOTHING
    tried = np.quantile(reached, 1 - np.linspace(0, 1, STEPS + 1)[1:])
    times = len(deciding.right) / len(first.right)
    promised = [p_value(first.expected(each, times), rate, risk, share) for each in tried]
    kept = NOTHING
    for each in tried[int(np.argmin(promised)) :]:
        if p_value(deciding.independent(each), rate, risk, share) > risk:
            break
        kept = float(each)
    return kept


def divided(questions: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Split the questions: one group in PARTS for the confidence, the others for the threshold."""
    numbers: dict[str, int] = {}
    sides: tuple[list[Asked], list[Asked]] = ([], [])
    for each in questions:
        sides[numbers.setdefault(each.group, len(numbers)) % PARTS > 0].append(each)
    return sides


def fit(
    fitting: Sequence[Asked], deciding: Sequence[Asked], *, rate: float, risk: float, share: float | None = None
) -> Rule:
    """Fit a rule to held-out questions. share: of future questions out of scope; None: as among these."""
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([each.features for each in fitting])
    labels = np.concatenate([each.right for each in fitting])
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    if labels.all() or not labels.any():
        weights, bias = np.zeros(rows.shape[1]), 0.0
    else:
        model: Any = LogisticRegression(max_iter=1000).fit((rows - mean) / spread, labels)
        weights = model.coef_[0] / spread
        bias = float(model.intercept_[0] - weights @ mean)
    here = sum(each.outside for each in deciding) / len(deciding)
    rule = Rule(
        tuple(map(float, weights)), bias, NOTHING, rate, risk, here if share is None else share, 0, 0, len(deciding)
    )
    found = best(rule, deciding)
    kept = threshold(best(rule, fitting), found, rate, risk, share)
    counts = found.at(kept)
    return replace(
        rule, threshold=kept, answered=counts.answered + counts.let_through, wrong=counts.wrong + counts.let_through
    )


def best(rule: Rule, questions: Sequence[Asked]) -> Best:
    """The best candidate of each question by the rule's confidence."""
    confidences, rights = np.zeros(len(questions)), np.zeros(len(questions), bool)
    every = rule.confidence(np.concatenate([each.features for each in questions]))
    begins = np.cumsum([0, *(len(each.right) for each in questions)])
    for place, each in enumerate(questions):
        if len(each.right):
            scores = every[begins[place] : begins[place + 1]]
            chosen = scores.argmax()
            confidences[place], rights[place] = scores[chosen], each.right[chosen]
    _, groups = np.unique([each.group for each in questions], return_inverse=True)
    return Best(confidences, rights, np.array([each.outside for each in questions], bool), groups)
