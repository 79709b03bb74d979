"""A generated answer, from what was retrieved and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pefbench.inference.model import Model

WORD = re.compile(r"\w{3,}")
"""Words that must stand in what was retrieved; shorter ones say nothing of their own."""


def condensed(generator: Model, retrieved: str) -> str | None:
    """What the model makes of a retrieved answer; None where it says what that does not."""
    [answer] = generator.predict([retrieved])
    text = str(answer["text"]).strip()
    return text if text and grounded(text, retrieved) else None


def grounded(text: str, retrieved: str) -> bool:
    """Whether every word and number of a text stands in what was retrieved."""
    known = set(WORD.findall(retrieved.casefold())) | set(re.findall(r"\d+", retrieved))
    return set(WORD.findall(text.casefold())) | set(re.findall(r"\d+", text)) <= known
