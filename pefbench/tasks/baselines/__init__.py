"""Trivial baselines: what a task's metrics say of answers that need no language model.

One file is one baseline; it exports ``BASELINE``, a function from training examples and the questions of another split
to one answer an example, in the shape that the head's `predict` gives. It sees no label of that other split. A number
of a fine-tuned model that is not above its baseline's is no reason to fine-tune.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Baseline(Protocol):
    """One baseline."""

    def __call__(self, train: Sequence[Any], test: Sequence[Any]) -> list[Any]:
        """An answer for each example of `test`, learned from those of `train` alone."""
