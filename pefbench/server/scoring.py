"""Answers from heads: one pass through the shared base for many adapters' rows, then each adapter's head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pefbench.heads import ROWS, TARGETS
from pefbench.heads._global_attention import global_attention
from pefbench.server.heads import HeadModel, rows_of
from pefbench.server.work import Item, Job, by_model, collated, padded
from pefbench.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads import Encoded
    from pefbench.inference.kind import Query
    from pefbench.server.base import Base
    from pefbench.server.heads import Shell
    from pefbench.server.store import Served

MOST_ROWS = 64
MOST_TOKENS = 2**14
"""The most rows, and padded tokens, of a batch; a larger input gets a batch of its own."""


class Scorer(Worker):
    """Answers inputs of models that do not generate text. All rows of a batch have the same length."""

    def prepare(self, served: Served, query: Query) -> Job:
        """Tokenize a query into rows; each of its examples goes to the lane of its padded length."""
        job = Job(served, query)
        if served.base is None:
            job.items.append(Item(job, served))
            return job
        model: Any = served.model
        for example in query.examples:
            encoded: Encoded = model._encoded([example])
            longest = int(encoded.lengths[0])
            length = padded(longest, served.limit)
            lane = (id(served.base), length, length == longest, *sorted(encoded.features))
            job.items.append(Item(job, lane, encoded, length))
        return job

    def fits(self, taken: Sequence[Item], item: Item) -> bool:
        """Whether a batch has room for one more. A model that cannot share batches answers one input at a time."""
        rows = sum(each.rows for each in taken) + item.rows
        return item.encoded is not None and rows <= MOST_ROWS and rows * max(item.length, 1) <= MOST_TOKENS

    def score(self, items: list[Item]) -> None:
        """Store the heads' results in the items."""
        with self.store.still:
            base = items[0].job.served.base
            if base is None:
                for item in items:  # together with others of its model it would be padded differently
                    [item.job.unbatched] = item.job.held.answers([item.job.query])
            else:
                _score_together(items, base)


def _score_together(items: list[Item], base: Base) -> None:
    import torch

    groups = by_model(items)
    tensors = [collated(group, group[0].length) for group in groups]
    rows, first = [], 0
    for group, given in zip(groups, tensors, strict=True):
        end = first + len(given["input_ids"])
        rows.append((first, end, group[0].job.held))
        first = end
    names = [name for name in tensors[0] if name not in (TARGETS, ROWS)]
    together = {name: torch.cat([given[name] for given in tensors]) for name in names}
    states = base.run({**together, **global_attention(base.backbone, together)}, rows)
    for group, given, (begin, end, adapter) in zip(groups, tensors, rows, strict=True):
        shell = group[0].job.served.shell
        model: Any = group[0].job.served.model
        with torch.inference_mode(), base.precision():
            answering = cast("Any", HeadModel(cast("Shell", shell), adapter.head, rows_of(states, begin, end)))
            decoding = [item.encoded.decoding[0] for item in group if item.encoded]
            found = model._head.scored(answering, given, decoding)
        for item, each in zip(group, found, strict=True):
            item.found = each
