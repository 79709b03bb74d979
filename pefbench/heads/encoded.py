"""A tokenised split, made by `Head.encode`; batches are taken from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


TARGETS = "labels"
"""The key of a batch's targets, which only the loss uses; the model does not get them."""
IGNORED = -100
"""A target that the loss ignores: for padding, prompts, and labels unknown in training. PyTorch's default."""
ROWS = "rows"
"""The key of a batch's number of rows per example, shape (examples,), if examples have several rows."""


@dataclass(slots=True)
class Encoded:
    """A tokenised split.

    An example is one row of tokens, or several (the candidates of a choice, the windows of a long text); the rows of
    all examples are stored one after another. A batch has whole examples.

    features: name -> one integer array per row, to be padded; includes `input_ids`.
    targets: for each example, how many terms its loss has.
    decoding: what the head needs to turn the model's output into an answer, one item per example.
    rows: for each example, how many rows it has; None: one each.
    fixed: name -> an array that is not padded, whose first dimension is the rows.
    cut: for each example, whether it lost text beyond the maximum length; empty: none did.
    padding: name of a feature -> its padding value.
    notes: notes on how examples were changed for the model.
    """

    features: dict[str, list[np.ndarray[Any, Any]]]
    targets: np.ndarray[Any, Any]
    decoding: list[Any]
    rows: np.ndarray[Any, Any] | None = None
    fixed: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    cut: Sequence[bool] = ()
    padding: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first_rows: np.ndarray[Any, Any] = field(init=False)
    """For each example, its first row; shape (examples + 1,), where the last is the number of rows."""
    lengths: np.ndarray[Any, Any] = field(init=False)
    """For each example, the number of tokens in its longest row."""
    tokens: np.ndarray[Any, Any] = field(init=False)
    """For each example, the number of tokens in all its rows."""

    def __post_init__(self) -> None:
        """Count rows and tokens."""
        rows = np.ones(len(self), dtype=np.int64) if self.rows is None else self.rows
        self.first_rows = np.concatenate([[0], np.cumsum(rows)])
        tokens = np.asarray([len(ids) for ids in self.features["input_ids"]], dtype=np.int64)
        self.lengths = np.maximum.reduceat(tokens, self.first_rows[:-1]) if len(self) else tokens
        self.tokens = np.add.reduceat(tokens, self.first_rows[:-1]) if len(self) else tokens

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.decoding)

    @property
    def truncated(self) -> int:
        """How many examples lost text beyond the maximum length."""
        return sum(self.cut)

    def rows_of(self, examples: Iterable[int]) -> list[int]:
        """The rows of these examples, in order."""
        return [row for i in examples for row in range(int(self.first_rows[i]), int(self.first_rows[i + 1]))]
