"""One input on its way through the server: its examples as rows of tokens, and their answer."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.heads import ROWS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from torch import Tensor

    from pefbench.heads import Encoded
    from pefbench.inference.kind import Answer, Query
    from pefbench.server.store import Served

LENGTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192)
"""The lengths to which rows are padded. A row's padded length depends only on the row, so its answer does, too.

All are multiples of 16: only for these are the results of torch's matrix products independent of a row's position in
the batch.
"""


@dataclass(eq=False)
class Job:
    """One input of a model, and its future answer.

    held: the model's weights, kept in memory until the job is done. unbatched: the answer of a model that cannot share
    batches.
    """

    served: Served
    query: Query
    items: list[Item] = field(default_factory=list)
    held: Any = None
    unbatched: Answer | None = None
    answer: Future[Answer] = field(default_factory=Future)
    left: int = 0
    started: bool = False


@dataclass(eq=False)
class Item:
    """One example of a job. lane: only items with equal lanes share a batch. encoded: None if it cannot share batches.

    length: the padded length of its rows; for a prompt, its number of tokens. found: the head's result, as passed to
    `Kind.say`. settled: it was counted as done. told: part of its text was already sent.
    """

    job: Job
    lane: Hashable
    encoded: Encoded | None = None
    length: int = 0
    found: tuple[Any, Any] | None = None
    settled: bool = False
    told: bool = False

    @property
    def rows(self) -> int:
        """How many rows of tokens it has."""
        return len(self.encoded.features["input_ids"]) if self.encoded else 1


def padded(longest: int, limit: int) -> int:
    """The padded length of rows, one of a few. It is above `longest`, as attention without a mask rounds differently.

    limit: the most tokens that the model has positions for.
    """
    return min(limit, next((each for each in LENGTHS if each > longest), limit))


def by_model(items: Iterable[Item]) -> list[list[Item]]:
    """Items grouped by model; models with equally many virtual tokens are next to each other."""
    groups: dict[Served, list[Item]] = {}
    for item in items:
        groups.setdefault(item.job.served, []).append(item)
    return sorted(groups.values(), key=lambda group: getattr(group[0].job.held, "prefix_length", 0))


def collated(items: Sequence[Item], length: int) -> dict[str, Tensor]:
    """The rows of items as one batch of this length, laid out as by `trial.batching.collate`."""
    import torch

    all_encoded = [item.encoded for item in items if item.encoded]
    first = all_encoded[0]
    batch = {
        name: _laid([row for each in all_encoded for row in each.features[name]], first.padding[name], length)
        for name in first.features
    }
    ids = [row for each in all_encoded for row in each.features["input_ids"]]
    batch["attention_mask"] = _laid([np.ones_like(row) for row in ids], 0, length)
    batch |= {name: np.concatenate([each.fixed[name] for each in all_encoded]) for name in first.fixed}
    if first.rows is not None:
        batch[ROWS] = np.concatenate([each.rows for each in all_encoded if each.rows is not None])
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _laid(rows: Sequence[np.ndarray[Any, Any]], padding: int, length: int) -> np.ndarray[Any, Any]:
    laid = np.full((len(rows), length), padding, dtype=np.int64)
    for place, row in zip(laid, rows, strict=True):
        place[: len(row)] = row
    return laid
