"""Label sets, for tests of their metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

SET = st.lists(st.sampled_from(["anger", "joy", "Ärger", "1"]), unique=True, max_size=4)
CORPUS = st.lists(st.tuples(SET, SET), min_size=1, max_size=10)
Sets = list[list[str]]
Corpus = list[tuple[list[str], list[str]]]


def split(corpus: Corpus) -> tuple[Sets, Sets]:
    """Predictions and references."""
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


def multi_hot(sets: Sets, labels: list[str]) -> np.ndarray[Any, Any]:
    """Sets as scikit-learn takes them, with two columns more that nothing has: of a single one it makes two classes."""
    return np.asarray([[*(int(label in each) for label in labels), 0, 0] for each in sets])
