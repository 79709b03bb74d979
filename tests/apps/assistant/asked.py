"""Random questions with one candidate each: the larger its feature, the more likely it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pefbench.apps.assistant import rule

ALL = 100_000


@dataclass(frozen=True)
class World:
    """What is asked.

    outside: the share of questions out of scope; likeness: the mean of their feature, which is 0 for those in scope.
    easy, tells: the log odds of being right, at a feature of 0, and how they rise with it.
    """

    outside: float = 0.0
    likeness: float = -2.0
    easy: float = 1.0
    tells: float = 4.0

    def draw(self, random: np.random.Generator, count: int) -> rule.Best:
        """Questions with the feature in place of the confidence."""
        outside = random.random(count) < self.outside
        features = random.normal(size=count) + self.likeness * outside
        right = ~outside & (random.random(count) < 1 / (1 + np.exp(-self.easy - self.tells * features)))
        return rule.Best(features, right, outside, np.arange(count))


def asked(drawn: rule.Best) -> list[rule.Asked]:
    """Drawn questions as the rule is given them."""
    return [
        rule.Asked(np.array([[feature]]), np.array([right]), bool(outside), str(group))
        for feature, right, outside, group in zip(*drawn, strict=True)
    ]


def answered(chosen: rule.Rule, everything: rule.Best) -> tuple[float, float]:
    """The share of questions that a rule answers, and the share of wrong ones among them."""
    given = chosen.confidence(everything.confidences[:, None]) >= chosen.threshold
    return float(given.mean()), float((~everything.right[given]).mean()) if given.any() else 0.0


def possible(everything: rule.Best, rate: float) -> float:
    """The largest share of questions that could be answered at a rate, by who knew it all."""
    order = np.argsort(-everything.confidences)
    wrong = np.cumsum(~everything.right[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= rate)
    return float(allowed[-1] + 1) / len(order) if len(allowed) else 0.0
