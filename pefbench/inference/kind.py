"""A kind of head, as it is asked: from an input to examples, and from the head's answers to what is said."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pefbench.errors import DataError, quoted, suggest
from pefbench.inference import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

Answer = dict[str, Any]
"""What is said to one input, JSON-able: its fields are the kind's."""


@dataclass(frozen=True)
class Query:
    """One input as the head reads it.

    examples: one, or a window each of a long text, or none. about: what the kind needs to say the answer.
    """

    examples: Sequence[Any]
    about: Any = None


class Kind(ABC):
    """One kind of head.

    columns: what an input may have, by the names that tasks have for them; the first alone may be given as a text.
    required: those that every input has; others where the task's rows have them all. usual: a column may have any
    of the names that the task knows it by, as it is no more than what stands there.
    """

    columns: ClassVar[tuple[str, ...]] = ("text", "pair")
    required: ClassVar[tuple[str, ...]] = ("text",)
    usual: ClassVar[bool] = True

    @abstractmethod
    def ask(self, values: Mapping[str, Any], head: Any, tokenizer: PreTrainedTokenizerFast, max_length: int) -> Query:
        """An input as examples, from its columns. Raises DataError for what the head cannot be asked."""

    @abstractmethod
    def say(self, query: Query, head: Any, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:
        """The answer. found: what `Head.scored` gives for each of the examples. truncated: a text of them was cut."""

    @abstractmethod
    def line(self, answer: Answer) -> str:
        """The answer in one line, for people."""

    def input_of(self, example: Any) -> dict[str, Any]:
        """An example of the head as an input: what `ask` makes it from."""
        raise NotImplementedError

    def prediction(self, answer: Answer, query: Query, head: Any) -> Any:
        """The head's answer behind an answer, as metrics read it."""
        raise NotImplementedError


class TextKind(Kind):
    """A kind whose input is a text, or a text and its pair."""

    @abstractmethod
    def example(self, text: str, pair: str | None) -> Any:
        """The head's example."""

    def ask(
        self,
        values: Mapping[str, Any],
        head: Any,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Query:
        """A text, or a text and its pair."""
        pair = text(values, "pair") if "pair" in values else None
        return Query([self.example(text(values, "text"), pair)])

    def input_of(self, example: Any) -> dict[str, Any]:
        """The text, and its pair where there is one."""
        return {"text": example.text} if example.pair is None else {"text": example.text, "pair": example.pair}


def find(head: str) -> Kind:
    """The kind of this head. Raises DataError where there is none."""
    known = [module.name for module in pkgutil.iter_modules(kinds.__path__)]
    if head not in known:
        raise DataError(f"trials of the head {head!r} cannot be asked yet; {suggest(head, known)}")
    found: Kind = importlib.import_module(f"{kinds.__name__}.{head}").KIND
    return found


def text(values: Mapping[str, Any], column: str) -> str:
    """A column's text. Raises DataError where it is none."""
    value = values[column]
    if not isinstance(value, str):
        raise DataError(f"{column} should be a text, is {quoted(value)}")
    check_characters(value, column)
    return value


def check_characters(value: str, column: str) -> None:
    """Raise DataError for a text with half of a surrogate pair, which no tokenizer reads."""
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise DataError(f"{column} is no Unicode text: it has half of a surrogate pair")


def single(found: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The answer and the scores of an input that is one example."""
    [one] = found
    return one


def cut(answer: Answer) -> str:
    """What a line for people says of a text that was cut; nothing of one that was not."""
    return "  (only the beginning of the text was read: it is too long)" if answer["truncated"] else ""
