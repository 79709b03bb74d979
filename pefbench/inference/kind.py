"""The interface of kinds: they turn an input into a head's examples, and the head's results into an answer."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from pefbench.errors import DataError, quoted, suggest
from pefbench.inference import kinds

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.search import Wanted

Json = dict[str, Any]
"""A JSON object whose fields depend on the kind of head: an input's columns, for example."""
Answer = Json
"""The answer to one input."""


@dataclass(frozen=True)
class Query:
    """One input as the head reads it.

    examples: one; for a long text one per window; or none. about: what the kind needs for the answer. number: the
    input's number in its request, from 0; it gives equal inputs different random draws. wanted: how to generate a text;
    None: as the trial did.
    """

    examples: Sequence[Any]
    about: Any = None
    number: int = 0
    wanted: Wanted | None = None


class Kind(ABC):
    """One kind of head.

    columns: the columns that an input may have, by the tasks' names; a plain text counts as the first. Empty if the
    task itself defines its inputs, by `inputs`. required: the columns that every input must have; all others are
    required if all rows of the task have them.
    """

    columns: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()

    def query(self, values: Mapping[str, Any], head: Any, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Query:
        """Turn an input with `columns` into examples. Raises DataError if the head cannot read it."""
        raise NotImplementedError

    def query_of(self, example: Any, head: Any) -> Query:  # noqa: ARG002 - where a head completes it
        """Turn an example made by a task's `inputs` into a query. Raises DataError if the head cannot read it."""
        return Query([example])

    def decoding(self, query: Query, prompt: Any) -> Any:  # noqa: ARG002 - where texts are generated
        """The prompt with which the head answers this query. prompt: that of the example."""
        return prompt

    def apart(self, query: Query, example: Any) -> Hashable:  # noqa: ARG002 - some kinds look at the query
        """A batching key: only examples with equal keys share a batch, so that no answer depends on other examples.

        By default single texts and pairs have different keys, because their rows are laid out differently.
        """
        return getattr(example, "pair", None) is not None

    @abstractmethod
    def answer(self, query: Query, head: Any, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:
        """The answer. found: the results of `Head.scored` for the examples. truncated: one of their texts was cut."""

    @abstractmethod
    def line(self, answer: Answer) -> str:
        """The answer in one line, for people."""

    def input_of(self, example: Any) -> Json:
        """The input from which `query` makes this example."""
        raise NotImplementedError

    def prediction(self, answer: Answer, query: Query, head: Any) -> Any:
        """The head's prediction in an answer, as metrics read it."""
        raise NotImplementedError


class TextKind(Kind):
    """A kind whose input is a text, or a text and its pair."""

    columns = ("text", "pair")
    required = ("text",)

    @abstractmethod
    def example(self, text: str, pair: str | None) -> Any:
        """The head's example."""

    def query(
        self,
        values: Mapping[str, Any],
        head: Any,  # noqa: ARG002 - the texts suffice
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A text, or a text and its pair."""
        pair = text(values, "pair") if "pair" in values else None
        return Query([self.example(text(values, "text"), pair)])

    def input_of(self, example: Any) -> Json:
        """The text, and its pair if it has one."""
        return {"text": example.text} if example.pair is None else {"text": example.text, "pair": example.pair}


def find(head: str) -> Kind:
    """The kind of this head. Raises DataError if there is none."""
    known = [module.name for module in pkgutil.iter_modules(kinds.__path__)]
    if head not in known:
        raise DataError(f"trials with the head {head!r} cannot predict; {suggest(head, known)}")
    found: Kind = importlib.import_module(f"{kinds.__name__}.{head}").KIND
    return found


def text(values: Mapping[str, Any], column: str) -> str:
    """A column's text. Raises DataError if it is not a text."""
    value = values[column]
    if not isinstance(value, str):
        raise DataError(f"{column} should be a text, is {quoted(value)}")
    check_characters(value, column)
    return value


def check_texts(example: Any) -> None:
    """Raise DataError if a text in an example is not valid Unicode; see `check_characters`."""
    for field in fields(example):
        for each in _texts(getattr(example, field.name)):
            check_characters(each, field.name)


def _texts(value: object) -> Iterable[str]:
    """The texts in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)


def check_characters(value: str, column: str) -> None:
    """Raise DataError for a text with half of a surrogate pair, which no tokenizer can read."""
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise DataError(f"{column} is not valid Unicode: it has a lone surrogate")


def single(found: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The answer and the scores of an input with exactly one example."""
    [one] = found
    return one


def cut(answer: Answer) -> str:
    """For the one-line form: a note if the text was cut, else an empty text."""
    return "  (truncated: only the beginning of the text was read)" if answer["truncated"] else ""
