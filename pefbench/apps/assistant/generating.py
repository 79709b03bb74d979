"""A generated answer, from what was retrieved and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pefbench
from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench import Model

WORD = re.compile(r"\w{3,}")
"""Words that must stand in what was retrieved; shorter ones say nothing of their own."""


def load(trial: str) -> Model:
    """The model that generates. Raises DataError for a trial of another kind."""
    model = pefbench.load(trial)
    if not (model.generates and model.reads_texts):
        raise DataError(f"generator: {trial}: a trial of {model.task}; it must make a text of a text, as summarization")
    return model


def condensed(generator: Model, retrieved: str) -> str | None:
    """What the model makes of a retrieved answer; None where it says what that does not, or does not come to an end."""
    [answer] = generator.predict([retrieved])
    text = str(answer["text"]).strip()
    return text if text and answer["finish_reason"] == "stop" and grounded(text, retrieved) else None


def grounded(text: str, retrieved: str) -> bool:
    """Whether every word and number of a text stands in what was retrieved."""
    known = set(WORD.findall(retrieved.casefold())) | set(re.findall(r"\d+", retrieved))
    return set(WORD.findall(text.casefold())) | set(re.findall(r"\d+", text)) <= known
