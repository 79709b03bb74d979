"""Text generation in batches across adapters.

A batch runs until its last text ends; inputs that arrive meanwhile form the next batch. Each text is sent as soon as it
ends itself. Rows are padded on the left to the longest prompt. A text therefore equals the one that its adapter writes
alone, except that rounding may decide a near tie between two tokens differently.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.server.work import Item, Job, by_model, collated
from pefbench.server.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.heads import Encoded
    from pefbench.heads.search import DecoderPrompt
    from pefbench.heads.written import Written
    from pefbench.inference.kind import Query
    from pefbench.server.store import Served

MOST_TEXTS = 32
MOST_TOKENS = 2**14
"""The most texts in a batch, and the most tokens of all prompts and answers together, including padding."""


class Writer(Worker):
    """Answers inputs for models that generate texts. Beam search runs for one text at a time."""

    def prepare(self, served: Served, query: Query) -> Job:
        """Tokenize a query into a prompt."""
        job, model = Job(served, query), served.model
        reading: Any = model
        encoded: Encoded = reading._encoded(query.examples)
        length = int(reading._head.prediction_lengths(encoded)[0])
        together = served if served.base is None else id(served.base)
        job.items.append(Item(job, job if _beams(query) > 1 else together, encoded, length))
        return job

    def fits(self, taken: Sequence[Item], item: Item) -> bool:
        """Whether a batch has room for one more; rows that have ended run on until the longest ends."""
        items = [*taken, item]
        longest = max(each.length for each in items) + max(_most(each.job.query) for each in items)
        limit = min(each.job.served.limit for each in items)
        return len(items) <= MOST_TEXTS and longest <= limit and len(items) * longest <= MOST_TOKENS

    def score(self, items: list[Item]) -> None:
        """Generate the texts. Each is settled as soon as it ends."""
        groups = by_model(items)
        ordered = [item for group in groups for item in group]
        width = max(len(row) for item in ordered if item.encoded for row in item.encoded.features["input_ids"])
        reading: Any = ordered[0].job.served.model
        with self._model(groups) as (model, device):
            given = {name: tensor.to(device) for name, tensor in collated(ordered, width).items()}
            found = reading._head.scored(model, given, [self._prompt(item) for item in ordered])
        for item, each in zip(ordered, found, strict=True):
            item.found = item.found or each

    @contextmanager
    def _model(self, groups: Sequence[Sequence[Item]]) -> Iterator[tuple[Any, Any]]:
        """The model that generates, and its device: the base with each group's adapter, or the job's own model."""
        import torch

        base, first = groups[0][0].job.served.base, groups[0][0].job
        if base is not None:
            rows, end = [], 0
            for group in groups:
                start, end = end, end + len(group) * _beams(group[0].job.query)
                rows.append((start, end, group[0].job.held))
            with base.writing(rows) as model:
                yield model, base.device
            return
        held = first.held
        device = next(held._model.parameters()).device
        with torch.inference_mode(), held._lock, held._precision(device.type):
            yield held._model, device

    def _prompt(self, item: Item) -> DecoderPrompt:
        """An item's prompt, with callbacks that note that text was sent and settle the item at its end."""
        model: Any = item.job.served.model
        decoding = item.encoded.decoding[0] if item.encoded else None
        prompt: DecoderPrompt = model._kind.decoding(item.job.query, decoding)
        if prompt.wanted is None:
            return prompt
        told = prompt.wanted.told

        def noted(text: str) -> bool:
            item.told = True
            return told is None or told(text)

        def done(written: Written) -> None:
            item.found = written.text, written
            self.settle(item)

        return replace(prompt, wanted=replace(prompt.wanted, told=noted if told else None, done=done))


def _beams(query: Query) -> int:
    return query.wanted.search.num_beams if query.wanted else 1


def _most(query: Query) -> int:
    """The most tokens that a text may have."""
    return query.wanted.search.max_new_tokens if query.wanted else 0
