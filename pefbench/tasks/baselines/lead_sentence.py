"""Lead: a text's first sentence as its summary; of news, hard to beat (Nenkova 2005, AAAI-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.tasks.baselines.overlapping_sentence import SENTENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def lead_sentence(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:  # noqa: ARG001
    """The first sentence or line of each prompt. It learns nothing from `train`."""
    return [SENTENCE.split(example.prompt.strip(), maxsplit=1)[0] for example in test]


BASELINE = lead_sentence
