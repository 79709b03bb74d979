"""Detects a model that answers every example alike: whatever its score, it has not learned to tell examples apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pefbench.errors import quoted
from pefbench.sources.tagging import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 10
"""With fewer examples, equal answers may be chance."""
REMEDY = "it has not learned to tell them apart; train longer, or try another learning rate"
HEAD_REMEDY = f"{REMEDY}, or a higher one for the head alone (train.head_learning_rate)"
"""For a head that starts at random and learned at the method's own rate."""


def alike(answers: Sequence[Any], references: Sequence[Any], remedy: str = REMEDY) -> list[str]:
    """A warning if the model gives all test examples the same answer although their references differ; else nothing.

    remedy: what to try, the end of the warning.
    """
    if len(answers) < FEWEST or len({json.dumps(each, sort_keys=True) for each in references}) == 1:
        return []
    given = {_content(each) for each in answers}
    if len(given) > 1:
        return []
    [answer] = given
    if answer == (OUTSIDE,):
        return [f"the model tags every word of all {len(answers)} test examples as O: {remedy}"]
    return [f"the model predicts {quoted(answer)} for all {len(answers)} test examples: {remedy}"]


def _content(answer: Any) -> Any:
    """The content of an answer without probabilities and scores; if all its tags are equal, only that tag."""
    if isinstance(answer, dict) and "labels" in answer:
        return ", ".join(answer["labels"]) or "no label"
    if isinstance(answer, dict):
        return next((answer[field] for field in ("label", "choice", "text") if field in answer), json.dumps(answer))
    if isinstance(answer, list):
        tags = [each if isinstance(each, str) else json.dumps(each) for each in answer]
        return tuple(tags[:1]) if len(set(tags)) == 1 else tuple(tags)
    return answer
