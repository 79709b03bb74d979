"""Trivial baselines: answers that need no language model, scored by the task's metrics.

Each file is one baseline and exports ``BASELINE``, a function from training examples and the questions of another split
to one answer per example, in the format of the head's `predict`. It must not use that split's labels. If a fine-tuned
model is not better than its baseline, there is no reason to fine-tune.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Baseline(Protocol):
    """One baseline."""

    def __call__(self, train: Sequence[Any], test: Sequence[Any]) -> list[Any]:
        """Answer each example of `test`, learning only from `train`."""
