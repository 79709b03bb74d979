"""The examples that heads read, one class per head.

cluster: the name of what several examples share and depend on, such as a template or a conversation that they come
from; "" for an independent example. Confidence intervals treat the examples of a cluster as one unit, and so they do
with those of a group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads._chat_template import Message

Span = tuple[int, int]
"""A range of characters in a text: the first, and the one after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example of any head. group: the row's, see `pefbench.sources.Row`; the task does not set it."""

    group: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SequenceExample(Example):
    """A text, or a text and its pair, and the label."""

    text: str
    label: str
    pair: str | None = None
    cluster: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LabelSetExample(Example):
    """A text, or a text and its pair, and its labels, sorted; may have none."""

    text: str
    labels: tuple[str, ...]
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class RegressionExample(Example):
    """A text, or a text and its pair, and its score."""

    text: str
    score: float
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class TokenExample(Example):
    """A sentence: words, and one tag per word."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedExample(Example):
    """A text, its two marked spans, and the label."""

    text: str
    first: Span
    second: Span
    label: str
    cluster: str = field(default="", compare=False, repr=False)

    @property
    def pair(self) -> None:
        """None: there is no second text. Baselines on labelled texts read this."""
        return None


@dataclass(frozen=True, slots=True)
class SpanExample(Example):
    """A question on a context, and its answers: the text, and the character of the context where it begins.

    Without answers, the context contains none (SQuAD 2.0). If there are several, all are right; the first is learned.
    """

    question: str
    context: str
    answers: tuple[tuple[str, int], ...]

    @property
    def cluster(self) -> str:
        """The context, whatever its white space: questions on the same context are related."""
        return " ".join(self.context.split())


@dataclass(frozen=True, slots=True)
class GenerationExample(Example):
    """A prompt, the answer to it, and the turns before it.

    references: the right texts, if there are several. facts: additional JSON-able values for metrics, by name (the
    tests that a program should pass, the attribute that a text should have). instruction: precedes the prompt and says
    what to do with it; it is never truncated. asks: the role of the prompt: the user, or a tool whose result is
    answered. where: file and line of its row, for messages.
    """

    prompt: str
    target: str
    history: tuple[Message, ...] = ()
    references: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    instruction: str = ""
    asks: str = "user"
    cluster: str = field(default="", compare=False, repr=False)
    where: str = field(default="", compare=False, repr=False)


NO_CANDIDATE = -1
"""The number of the right candidate if it is not among the candidates because training lacks it."""


@dataclass(frozen=True, slots=True)
class ChoiceExample(Example):
    """A context, its candidates, and which of them is right (from 0), or NO_CANDIDATE if it is only scored.

    Shuffle the candidates if equal scores must not be rewarded: the position of the right one should not matter.
    """

    context: str
    candidates: tuple[str, ...]
    label: int
    cluster: str = field(default="", compare=False, repr=False)
