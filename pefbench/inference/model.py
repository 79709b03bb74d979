"""A loaded trial, which answers inputs as the trial did."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, quoted
from pefbench.inference import streaming
from pefbench.inference.kind import Json, check_texts
from pefbench.inference.turns import turn
from pefbench.inference.wishes import wanted
from pefbench.models.loading import count_positions
from pefbench.registry import find
from pefbench.sources import Row
from pefbench.sources.cells import is_missing
from pefbench.tasks.reading.columns import found_columns
from pefbench.trial.batching import collate, sorted_batches
from pefbench.trial.fast_paths import fits_batches

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded, Head
    from pefbench.inference.kind import Answer, Kind, Query
    from pefbench.inference.streaming import Chunk
    from pefbench.inference.wishes import Wishes
    from pefbench.tasks import Task
    from pefbench.trial.prepare import Ready

    Input = str | Mapping[str, Any]

TEXT = ("text",)
"""A name that every task accepts for its text column."""
PAIR = ("company",)
"""A task's own name for its second text, if it is not `pair`."""
LONGEST = 2**15
"""The most tokens of a text, for models without a limit."""
DTYPES = {"bf16": "bfloat16", "fp16": "float16"}


class Model:
    """A trained model with everything that it needs to answer.

    Made by `pefbench.load`. labels: its labels, in the order of its outputs; may be empty. It serves one thread at a
    time; others wait.
    """

    def __init__(self, ready: Ready, head: Head, kind: Kind, model: nn.Module) -> None:
        self._ready, self._head, self._kind = ready, head, kind
        self._model, self._lock = model.eval(), RLock()
        self.name, self.task = ready.recipe.name, ready.recipe.task
        self.labels: list[str] = list(head.labels)
        self._task: Task = find("task", self.task)
        self._text = self._task.inputs.text if self._task.inputs else kind.columns[0]
        self.columns = _columns(ready, kind, self._task)
        self.batch_size = ready.recipe.evaluate.batch_size

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        return self._ready.tokenizer

    @property
    def generates(self) -> bool:
        """Whether answers are generated texts."""
        return self._head.generates

    @property
    def reads_texts(self) -> bool:
        """Whether a plain text is a valid input; otherwise inputs are dicts with several columns."""
        return self._text is not None and not any(self.needs(name) for name in self.columns if name != self._text)

    def line(self, answer: Answer) -> str:
        """An answer as one readable line."""
        return self._kind.line(answer)

    def needs(self, column: str) -> bool:
        """Whether every input must have this column."""
        if self._task.inputs:
            return column not in self._task.inputs.optional
        others = {*self._task.columns}.difference(self._task.optional, self._task.later)
        return column in self._kind.required or column in others

    def knows(self, names: Collection[str]) -> bool:
        """Whether there are names and all of them are names of an input's columns."""
        there = list(names)
        return bool(there) and {*there} == {
            each for usual in self.columns.values() for each in found_columns(usual, there)
        }

    def predict(self, inputs: Sequence[Input], **wishes: Unpack[Wishes]) -> list[Answer]:
        """Answer each input, in order: a list of dicts whose fields depend on the task's head.

        An input is a text, or a dict with the task's columns under any of their usual names: `{"text", "pair"}`,
        `{"tokens"}`. A label has `label`, `score`, `probabilities`, `truncated`. Entities have `entities`, each with
        `label`, `text`, `start`, `end` (character offsets in the input) and `score`. docs/how-to/predict.md lists all.
        wishes: how texts are generated. Raises DataError, with the input's number from 0, for an invalid input.
        """
        if isinstance(inputs, str):
            raise DataError("predict takes a list of inputs; put the text into one: predict([text])")
        return self.answers(
            [self.query(given, f"input {number}", number, **wishes) for number, given in enumerate(inputs)]
        )

    def query(self, given: Input, where: str = "input", number: int = 0, **wishes: Unpack[Wishes]) -> Query:
        """The query of an input. where: names the input in messages. number: see `Query`. Raises DataError."""
        with turn(self.tokenizer):
            try:
                values = self._values(given)
                made = self._kind.query(values, *self._reading) if not self._task.inputs else None
                how = self._wanted(wishes)
            except DataError as error:
                raise DataError(f"{where}: {error}") from None
            return replace(made or self._task_query(values, where), number=number, wanted=how)

    def answers(self, queries: Sequence[Query]) -> list[Answer]:
        """The answers to these queries, in order."""
        pairs = [(query, example) for query in queries for example in query.examples]
        found: list[Any] = [None] * len(pairs)
        groups: dict[Hashable, list[int]] = {}
        for i, (query, example) in enumerate(pairs):
            groups.setdefault(self._kind.apart(query, example), []).append(i)
        with self._lock:
            for chosen in groups.values():
                for i, scored in zip(chosen, self._scored([pairs[i] for i in chosen]), strict=True):
                    found[i] = scored
        answers, rest = [], iter(found)
        for query in queries:
            mine = list(islice(rest, len(query.examples)))
            results = [(answer, scores) for answer, scores, _ in mine]
            truncated = any(cut for _, _, cut in mine)
            answers.append(self._kind.answer(query, self._head, results, truncated=truncated))
        return answers

    def stream(self, query: Query) -> Iterator[Chunk]:
        """Yield chunks of a text as it is generated; the last has the whole answer. Closing the iterator stops it.

        Raises DataError if the trial does not generate texts.
        """
        if not self.generates or query.wanted is None:
            raise DataError(f"{self.name}: its answers are not generated, so they cannot be streamed")
        return streaming.chunks(self.answers, query)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts as unit vectors (n, width), by the frozen pretrained model without the adapter.

        Raises DataError if the method trains the pretrained model itself.
        """
        from pefbench.inference import embedding

        train = self._ready.recipe.train
        with self._lock, self._precision(next(self._model.parameters()).device.type):
            return embedding.embed(
                self._model, self.tokenizer, self._ready.recipe.method, list(texts), train.max_length
            )

    @property
    def _reading(self) -> tuple[Head, PreTrainedTokenizerFast, int]:
        return self._head, self._ready.tokenizer, self._ready.recipe.train.max_length

    def _wanted(self, wishes: Wishes) -> Any:
        """How texts are generated; None if the trial does not generate. Raises DataError."""
        if not self.generates:
            if named := [name for name, value in wishes.items() if value is not None]:
                raise DataError(f"{named[0]}: applies to trials that generate texts; this one does not")
            return None
        search, train = getattr(self._head, "search"), self._ready.recipe.train  # noqa: B009 - of heads that generate
        positions = count_positions(self._ready.checkpoint, self.tokenizer) - self._ready.recipe.method.virtual_tokens()
        return wanted(search, wishes, min(LONGEST, positions - (train.max_length - search.max_new_tokens)))

    def _task_query(self, values: Mapping[str, Any], where: str) -> Query:
        """The query of an input for a task that defines its own inputs. Raises DataError."""
        inputs = self._task.inputs
        if inputs is None:
            raise DataError(f"{self.task}: the task does not define its inputs")
        row = Row({**dict.fromkeys(self._task.columns), **values}, where, 0)
        example = inputs.example(row, self._ready.recipe.options)
        try:
            check_texts(example)
            query = self._kind.query_of(example, self._head)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        for _, reason in self._head.refusals(self.tokenizer, query.examples, self._ready.recipe.train.max_length):
            raise DataError(reason if reason.startswith(where) else f"{where}: {reason.partition(': ')[2]}")
        return query

    def _values(self, given: Input) -> Json:
        """The columns of an input, by the task's names. Raises DataError if a required one is missing."""
        if isinstance(given, str):
            if not self.reads_texts:
                raise DataError(f"this model reads {_listed(self._shown)}; give a dict, not a text alone")
            return {str(self._text): given}
        if not hasattr(given, "keys"):
            raise DataError(f"should be a text or a dict with {_listed(list(self.columns))}, is {quoted(given)}")
        values = {}
        for column, names in self.columns.items():
            there = found_columns(names, list(given))
            value = given[there[0]] if there else None
            if value is not None and not is_missing(value):
                values[column] = value
            elif self.needs(column):
                raise DataError(f"has no {_listed([column])}; its columns are: {', '.join(map(str, given)) or 'none'}")
        return values

    @property
    def _shown(self) -> list[str]:
        """The columns that messages name: the required ones or, if there are none, all."""
        return [name for name in self.columns if self.needs(name)] or list(self.columns)

    def _scored(self, pairs: Sequence[tuple[Query, Any]]) -> Iterator[tuple[Any, Any, bool]]:
        """Each example's answer, its scores, and whether its text was cut."""
        import torch

        if not pairs:
            return
        ready, found = self._ready, dict[int, tuple[Any, Any]]()
        encoded = self._encoded([example for _, example in pairs])
        decoding = [self._kind.decoding(pairs[i][0], given) for i, given in enumerate(encoded.decoding)]
        device = next(self._model.parameters()).device
        with torch.inference_mode(), self._precision(device.type):
            lengths = self._head.prediction_lengths(encoded)
            fitted = fits_batches(ready.recipe, self._head, device.type)
            for batch in sorted_batches(lengths, ready.recipe.evaluate.batch_size, fitted=fitted):
                chosen = [int(i) for i in batch]
                tensors = {name: tensor.to(device) for name, tensor in collate(encoded, batch).items()}
                scored = self._head.scored(self._model, tensors, [decoding[i] for i in chosen])
                found |= zip(chosen, scored, strict=True)
        for i in range(len(pairs)):
            yield (*found[i], encoded.cut[i])

    def _encoded(self, examples: Sequence[Any]) -> Encoded:
        with turn(self.tokenizer):
            return self._head.encode(self.tokenizer, examples, self._ready.recipe.train.max_length)

    def _precision(self, device: str) -> AbstractContextManager[Any]:
        """The precision in which the trial computed."""
        import torch

        name = DTYPES.get(self._ready.recipe.train.precision)
        return torch.autocast(device, getattr(torch, name)) if name else nullcontext()


def _columns(ready: Ready, kind: Kind, task: Task) -> dict[str, list[str | int]]:
    """The columns that an input may have -> their names, most specific first: the task's, the recipe's, the usual."""
    named = {name: given for name, given in ready.recipe.data.columns.items() if not isinstance(given, list)}
    columns, text = (task.inputs.columns, task.inputs.text) if task.inputs else (kind.columns, kind.columns[0])
    others = {text: TEXT} if task.inputs else {text: TEXT, "pair": PAIR}
    return {
        column: [
            column,
            *([named[column]] if column in named else []),
            *task.columns.get(column, ()),
            *(others.get(column, ())),
        ]
        for column in columns
    }


def _listed(columns: Sequence[str]) -> str:
    return " and ".join(map(repr, columns))
