"""A kind of head in inference: from an input to examples, and from the head's answers to the input's."""

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
"""A JSON object whose fields the kind of head decides: an input's columns, for example."""
Answer = Json
"""The answer to one input."""


@dataclass(frozen=True)
class Query:
    """One input as the head reads it.

    examples: one, or a window each of a long text, or none. about: what the kind needs for the answer. number: of
    the input among those answered together, from 0: equal inputs have draws of their own. wanted: how a text is
    generated; None: as the trial did.
    """

    examples: Sequence[Any]
    about: Any = None
    number: int = 0
    wanted: Wanted | None = None


class Kind(ABC):
    """One kind of head.

    columns: what an input may have, by the names that tasks have for them; the first alone may be given as a text; none
    where the task says what an input is, by its `inputs`. required: those that every input has; others where the task's
    rows have them all.
    """

    columns: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()

    def query(self, values: Mapping[str, Any], head: Any, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Query:
        """An input as examples, from `columns`. Raises DataError for what the head cannot read."""
        raise NotImplementedError

    def query_of(self, example: Any, head: Any) -> Query:  # noqa: ARG002 - where a head completes it
        """What a task's `inputs` made of an input. Raises DataError for what the head cannot read."""
        return Query([example])

    def decoding(self, query: Query, prompt: Any) -> Any:  # noqa: ARG002 - where texts are generated
        """What the head needs to answer this query, from what it needs to answer an example of its kind."""
        return prompt

    def apart(self, query: Query, example: Any) -> Hashable:  # noqa: ARG002 - some kinds look at the query
        """Examples between which this differs share no batch: an answer must not depend on what stands beside it.

        A pair's row is laid out differently.
        """
        return getattr(example, "pair", None) is not None

    @abstractmethod
    def answer(self, query: Query, head: Any, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:
        """The answer. found: what `Head.scored` gives for each of the examples. truncated: a text of them was cut."""

    @abstractmethod
    def line(self, answer: Answer) -> str:
        """The answer in one line, for people."""

    def input_of(self, example: Any) -> Json:
        """An example of the head as an input: what `query` makes it from."""
        raise NotImplementedError

    def prediction(self, answer: Answer, query: Query, head: Any) -> Any:
        """The head's answer behind an answer, as metrics read it."""
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
        head: Any,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A text, or a text and its pair."""
        pair = text(values, "pair") if "pair" in values else None
        return Query([self.example(text(values, "text"), pair)])

    def input_of(self, example: Any) -> Json:
        """The text, and its pair where there is one."""
        return {"text": example.text} if example.pair is None else {"text": example.text, "pair": example.pair}


def find(head: str) -> Kind:
    """The kind of this head. Raises DataError where there is none."""
    known = [module.name for module in pkgutil.iter_modules(kinds.__path__)]
    if head not in known:
        raise DataError(f"trials with the head {head!r} cannot predict; {suggest(head, known)}")
    found: Kind = importlib.import_module(f"{kinds.__name__}.{head}").KIND
    return found


def text(values: Mapping[str, Any], column: str) -> str:
    """A column's text. Raises DataError where it is none."""
    value = values[column]
    if not isinstance(value, str):
        raise DataError(f"{column} should be a text, is {quoted(value)}")
    check_characters(value, column)
    return value


def check_texts(example: Any) -> None:
    """Raise DataError for an example of a head with a text that is none: see `check_characters`."""
    for field in fields(example):
        for each in _texts(getattr(example, field.name)):
            check_characters(each, field.name)


def _texts(value: object) -> Iterable[str]:
    """The texts in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)


def check_characters(value: str, column: str) -> None:
    """Raise DataError for a text with half of a surrogate pair, which no tokenizer reads."""
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise DataError(f"{column} is not valid Unicode: it has a lone surrogate")


def single(found: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The answer and the scores of an input that is one example."""
    [one] = found
    return one


def cut(answer: Answer) -> str:
    """What a line for people says of a text that was cut; nothing of one that was not."""
    return "  (truncated: only the beginning of the text was read)" if answer["truncated"] else ""
