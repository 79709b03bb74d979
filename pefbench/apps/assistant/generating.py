"""Generates answers from retrieved text only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pefbench
from pefbench.errors import DataError

if TYPE_CHECKING:
    from pefbench import Model

WORD = re.compile(r"\w{3,}")
"""Words that must occur in the retrieved text; shorter words carry no content of their own."""


def load(trial: str) -> Model:
    """Load the generator. Raises DataError if the trial is of another kind."""
    model = pefbench.load(trial)
    if not (model.generates and model.reads_texts):
        raise DataError(
            f"generator: {trial}: a trial of {model.task}; it must turn a text into a text, like summarization"
        )
    return model


def condensed(generator: Model, retrieved: str) -> str | None:
    """The model's version of a retrieved answer; None if it adds content or does not end."""
    [answer] = generator.predict([retrieved])
    text = str(answer["text"]).strip()
    return text if text and answer["finish_reason"] == "stop" and grounded(text, retrieved) else None


def grounded(text: str, retrieved: str) -> bool:
    """Whether every word and number of a text occurs in the retrieved text."""
    known = set(WORD.findall(retrieved.casefold())) | set(re.findall(r"\d+", retrieved))
    return set(WORD.findall(text.casefold())) | set(re.findall(r"\d+", text)) <= known
