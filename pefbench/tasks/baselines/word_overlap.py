"""Word overlap: logistic regression on how many words the texts of a pair share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines._words import overlaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import SequenceExample


def word_overlap(train: Sequence[SequenceExample], test: Sequence[SequenceExample]) -> list[str]:
    """The likeliest label by the share of each text's words that the other has; of one label alone, that one."""
    from sklearn.linear_model import LogisticRegression

    labels = [example.label for example in train]
    if len({*labels}) == 1:
        return [labels[0]] * len(test)
    model = LogisticRegression(max_iter=1000).fit(overlaps(train), labels)
    return [str(label) for label in model.predict(overlaps(test))]


BASELINE = word_overlap
