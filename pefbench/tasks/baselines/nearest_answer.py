"""Nearest answer: the right answer to the training prompt that is most alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines._words import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def nearest_answer(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:
    """The answer to the prompt with the nearest words and pairs of words by TF-IDF, the first of equals.

    The turns before a prompt are read with it. A prompt without any known word gets the first answer.
    """
    places = nearest([_context(example) for example in train], [_context(example) for example in test])
    return [train[place].target for place in places]


def _context(example: GenerationExample) -> str:
    return "\n".join([*(turn for _, turn in example.history), example.prompt])


BASELINE = nearest_answer
