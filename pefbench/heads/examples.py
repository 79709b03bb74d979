"""The examples that heads read, one class per head.

cluster, where there is one: the name of what several examples have in common and depend on, such as the template or the
conversation that they come from; "" for an example that stands for itself. Intervals take examples of one together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads._chat_template import Message

Span = tuple[int, int]
"""Characters of a text: the first, and the one after the last."""


@dataclass(frozen=True, slots=True)
class SequenceExample:
    """A text, or a text and its pair, and the label."""

    text: str
    label: str
    pair: str | None = None
    cluster: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LabelSetExample:
    """A text, or a text and its pair, and its labels, sorted; none is legal."""

    text: str
    labels: tuple[str, ...]
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class RegressionExample:
    """A text, or a text and its pair, and its score."""

    text: str
    score: float
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class TokenExample:
    """A sentence: words and one tag a word."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedExample:
    """A text, its two marked spans, and the label."""

    text: str
    first: Span
    second: Span
    label: str
    cluster: str = field(default="", compare=False, repr=False)

    @property
    def pair(self) -> None:
        """None: there is no second text. Baselines on labelled texts read it."""
        return None


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question on a context, and its answers: text and where in the context it begins, in characters.

    Without answers, the context does not have one (SQuAD 2.0). Several are equally right; the first is learned.
    """

    question: str
    context: str
    answers: tuple[tuple[str, int], ...]

    @property
    def cluster(self) -> str:
        """The context: questions on one are alike."""
        return self.context


@dataclass(frozen=True, slots=True)
class GenerationExample:
    """A prompt, the answer to it, and the turns before it.

    references: the right texts, where the answer is not the only one. facts: what metrics need to know beside them
    (the tests that a program should pass, the attribute that a text should have), JSON-able, by name. instruction: what
    stands right before the prompt and says what to do with it; a prompt that is too long loses none of it. asks: the
    role of the prompt: the user, or a tool whose result is answered. where: file and line of its row, for messages.
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
"""The number of the right one, where it is not among the candidates: training lacks it."""


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, its candidates, and which of them is right (from 0), or NO_CANDIDATE where it is only scored.

    Where equal scores must not be rewarded, the place of the right one should say nothing: shuffle the candidates.
    """

    context: str
    candidates: tuple[str, ...]
    label: int
    cluster: str = field(default="", compare=False, repr=False)
