"""Hypothesis only: a bag of words of the second text, blind to the first.

Poliak et al. 2018, arXiv:1805.01042: how well it does says how far the labels can be guessed without reading the pair.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.tasks.baselines.bag_of_words import bag_of_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import SequenceExample


def hypothesis_only(train: Sequence[SequenceExample], test: Sequence[SequenceExample]) -> list[str]:
    """The likeliest label by `bag_of_words` of the second texts."""
    return bag_of_words([_blinded(example) for example in train], [_blinded(example) for example in test])


def _blinded(example: SequenceExample) -> SequenceExample:
    return replace(example, text=example.pair or "", pair=None)


BASELINE = hypothesis_only
