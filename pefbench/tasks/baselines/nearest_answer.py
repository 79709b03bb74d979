"""Nearest answer: what was right for the training prompt that shares most with the one that is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines._words import vectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def nearest_answer(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:
    """Return the answer to the prompt with the nearest words and pairs of words by TF-IDF, the first of equals.

    What was said before a prompt is read with it. A prompt without any known word gets the first answer.
    """
    words = vectorizer()
    known = words.fit_transform([_said(example) for example in train])
    likeness = words.transform([_said(example) for example in test]) @ known.T
    return [train[int(row.toarray().argmax())].target for row in likeness]


def _said(example: GenerationExample) -> str:
    return "\n".join([*(said for _, said in example.history), example.prompt])


BASELINE = nearest_answer
