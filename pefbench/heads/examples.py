"""What heads read that more than one kind of model learns: generation and choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.heads._prompts import Message


@dataclass(frozen=True, slots=True)
class GenerationExample:
    """A prompt, the answer to it, and what was said before: roles (system, user, assistant) and texts.

    references: the right texts, where the answer is not the only one. facts: what metrics need to know beside them
    (the tests that a program should pass, the attribute that a text should have), JSON-able, by name. instruction: what
    stands right before the prompt and says what to do with it; a prompt that is too long loses none of it.
    """

    prompt: str
    target: str
    history: tuple[Message, ...] = ()
    references: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, its candidates, and which of them is right (from 0).

    Where equal scores must not be rewarded, the place of the right one should say nothing: shuffle the candidates.
    """

    context: str
    candidates: tuple[str, ...]
    label: int
