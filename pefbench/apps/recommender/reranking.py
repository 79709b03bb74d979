"""The trained choice model: scores how well proposals fit a history, from their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

import pefbench
from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pefbench import Model

    Floats = NDArray[np.float64]
    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

TASK = "recommendation"
HISTORY = 20
"""How many items of a history the model gets; its recipe decides how many of them it reads."""


class Reranker:
    """A model of the task recommendation. embed: embeds texts with the frozen base, without the adapter."""

    def __init__(self, model: Model) -> None:
        if model.task != TASK:
            raise DataError(f"{model.name}: is a model of {model.task}; the recommender needs one of {TASK}")
        self._model, self.embed = model, model.embed

    @classmethod
    def load(cls, trial: Path) -> Self:
        """The model of a trial. Raises DataError if it has another task."""
        return cls(pefbench.load(trial))

    def scores(self, histories: Sequence[Sequence[str]], proposals: Sequence[Sequence[str]]) -> list[Floats]:
        """The score of each proposal, by history. If there is nothing to read or to choose, all are equal."""
        found = [np.zeros(len(texts)) for texts in proposals]
        asked = [i for i, texts in enumerate(proposals) if len(texts) > 1 and len(histories[i])]
        inputs = [{"history": list(histories[i][-HISTORY:]), "candidates": list(proposals[i])} for i in asked]
        for i, answer in zip(asked, self._model.predict(inputs), strict=True):
            found[i] = np.array(answer["scores"], np.float64)
        return found
