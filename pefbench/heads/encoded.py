"""A tokenised split: what `Head.encode` makes and batches are taken from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


TARGETS = "labels"
"""The name of what a batch holds for the loss alone; the model is never given it."""
IGNORED = -100
"""A target that no loss counts: of padding, of a prompt, of a label that training does not have. PyTorch's default."""
ROWS = "rows"
"""The name of a batch's number of rows per example, shape (examples,); there when examples have several."""


@dataclass(slots=True)
class Encoded:
    """A tokenised split.

    An example is one row of tokens, or several (the candidates of a choice, the windows of a long text); the rows
    of all examples follow each other. A batch has whole examples.

    features: what is padded, name -> one integer array per row; `input_ids` among them.
    targets: for each example, how many terms its loss has.
    decoding: what the head needs to turn the model's output into an answer, one item per example.
    rows: for each example, how many rows it has; None: one each.
    fixed: what is not padded, name -> an array whose first dimension runs over the rows.
    cut: for each example, whether it lost text beyond the maximum length; empty: none did.
    padding: name of a feature -> what it is padded with.
    notes: what of the examples gave way to the model.
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
    """For each example, its first row; shape (examples + 1,), the last being the number of rows."""
    lengths: np.ndarray[Any, Any] = field(init=False)
    """For each example, the tokens of its longest row."""
    tokens: np.ndarray[Any, Any] = field(init=False)
    """For each example, the tokens of its rows together."""

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
