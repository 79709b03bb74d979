"""A loaded trial: asked with texts, it answers as the trial did."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, quoted
from pefbench.registry import find
from pefbench.sources.cells import is_missing
from pefbench.tasks.reading.columns import found_columns
from pefbench.trial.batching import collate, sorted_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded, Head
    from pefbench.inference.kind import Answer, Kind, Query
    from pefbench.tasks import Task
    from pefbench.trial.prepare import Ready

    Input = str | Mapping[str, Any]

TEXT = ("text",)
"""A name under which every task's own text may be given."""
PAIR = ("company",)
"""A name under which a task has a second text that it does not call the pair."""
DTYPES = {"bf16": "bfloat16", "fp16": "float16"}


class Model:
    """A trained model with all that it needs to answer.

    Made by `pefbench.load`. labels: those that it knows, in the order of its outputs; empty where it has none.
    """

    def __init__(self, ready: Ready, head: Head, kind: Kind, model: nn.Module) -> None:
        self._ready, self._head, self._kind = ready, head, kind
        self._model = model.eval()
        self.name, self.task = ready.recipe.name, ready.recipe.task
        self.labels: list[str] = list(getattr(head, "labels", ()))
        self.columns = _columns(ready, kind)
        self.batch_size = ready.recipe.evaluate.batch_size

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        return self._ready.tokenizer

    @property
    def reads_texts(self) -> bool:
        """A text alone is an input; else it takes a dict, with other columns besides."""
        return [name for name in self.columns if self.needs(name)] == [self._kind.columns[0]]

    def line(self, answer: Answer) -> str:
        """An answer as people read it, in one line."""
        return self._kind.line(answer)

    def needs(self, column: str) -> bool:
        """Whether every input has this column."""
        task: Task = find("task", self.task)
        return column in self._kind.required or column in {*task.columns}.difference(task.optional, task.later)

    def predict(self, inputs: Sequence[Input]) -> list[Answer]:
        """One answer for each input, in their order: a dict whose fields depend on the task's head.

        An input is a text, or a dict with a task's columns, under any of their usual names: `{"text", "pair"}`,
        `{"tokens"}`. A label: `label`, `score`, `probabilities`, `truncated`. Entities: `entities`, each with `label`,
        `text`, `start`, `end` (characters of the input's text) and `score`. See docs/how-to/predict.md for all.
        Raises DataError, with the number of the input from 0, for what is no input.
        """
        if isinstance(inputs, str):
            raise DataError("predict takes a list of inputs; put the text into one: predict([text])")
        return self.answers([self.query(given, f"input {number}") for number, given in enumerate(inputs)])

    def query(self, given: Input, where: str) -> Query:
        """An input as the head reads it. where: names it in messages. Raises DataError for what is no input."""
        try:
            values = self._values(given)
            return self._kind.ask(values, self._head, self._ready.tokenizer, self._ready.recipe.train.max_length)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    def answers(self, queries: Sequence[Query]) -> list[Answer]:
        """The answers to these inputs, in their order."""
        examples = [example for each in queries for example in each.examples]
        found: list[Any] = [None] * len(examples)
        # A pair's row is laid out differently: a text alone must not depend on what stands beside it.
        paired = [i for i, example in enumerate(examples) if getattr(example, "pair", None) is not None]
        alone = sorted({*range(len(examples))}.difference(paired))
        for chosen in (paired, alone):
            for i, scored in zip(chosen, self._scored([examples[i] for i in chosen]), strict=True):
                found[i] = scored
        answers, first = [], 0
        for each in queries:
            mine = found[first : first + len(each.examples)]
            first += len(each.examples)
            said = [(answer, scores) for answer, scores, _ in mine]
            answers.append(self._kind.say(each, self._head, said, truncated=any(cut for _, _, cut in mine)))
        return answers

    def _values(self, given: Input) -> dict[str, Any]:
        """The columns of an input, by the task's names. Raises DataError where one is missing."""
        if isinstance(given, str):
            if not self.reads_texts:
                raise DataError(f"this model reads {_listed(self.columns)}; give a dict, not a text alone")
            return {self._kind.columns[0]: given}
        if not hasattr(given, "keys"):
            raise DataError(f"should be a text or a dict with {_listed(self.columns)}, is {quoted(given)}")
        values = {}
        for column, names in self.columns.items():
            there = found_columns(names, list(given))
            value = given[there[0]] if there else None
            if value is not None and not is_missing(value):
                values[column] = value
            elif self.needs(column):
                raise DataError(f"has no {_listed([column])}; its columns are: {', '.join(map(str, given)) or 'none'}")
        return values

    def _scored(self, examples: Sequence[Any]) -> Iterator[tuple[Any, Any, bool]]:
        """Each example's answer, its scores, and whether its text was cut."""
        import torch

        if not examples:
            return
        ready, found = self._ready, dict[int, tuple[Any, Any]]()
        encoded = self._encoded(examples)
        device = next(self._model.parameters()).device
        with torch.inference_mode(), self._precision(device.type):
            for batch in sorted_batches(self._head.prediction_lengths(encoded), ready.recipe.evaluate.batch_size):
                chosen = [int(i) for i in batch]
                tensors = {name: tensor.to(device) for name, tensor in collate(encoded, batch).items()}
                scored = self._head.scored(self._model, tensors, [encoded.decoding[i] for i in chosen])
                found |= zip(chosen, scored, strict=True)
        for i, example in enumerate(examples):
            yield (*found[i], encoded.truncated > 0 and self._encoded([example]).truncated > 0)

    def _encoded(self, examples: Sequence[Any]) -> Encoded:
        return self._head.encode(self._ready.tokenizer, examples, self._ready.recipe.train.max_length)

    def _precision(self, device: str) -> AbstractContextManager[Any]:
        """As the trial computed."""
        import torch

        name = DTYPES.get(self._ready.recipe.train.precision)
        return torch.autocast(device, getattr(torch, name)) if name else nullcontext()


def _columns(ready: Ready, kind: Kind) -> dict[str, list[str | int]]:
    """The columns that an input may have -> their names, the likeliest first: the task's, the recipe's, the usual."""
    recipe, task = ready.recipe, find("task", ready.recipe.task)
    named = {name: given for name, given in recipe.data.columns.items() if not isinstance(given, list)}
    others = {kind.columns[0]: TEXT, "pair": PAIR}
    usual = task.columns if kind.usual else {}
    return {
        column: [
            column,
            *([named[column]] if column in named and kind.usual else []),
            *usual.get(column, ()),
            *(others.get(column, ()) if kind.usual else ()),
        ]
        for column in kind.columns
    }


def _listed(columns: Sequence[str] | Mapping[str, Any]) -> str:
    return " and ".join(map(repr, columns))
