"""Prompts as a model reads them: formatted by its tokenizer's chat template, or as plain text."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

import numpy as np

from pefbench.errors import RecipeError, SourceError
from pefbench.heads._chat_template import TOOLS, ChatTemplate
from pefbench.heads._pairs import added, cut, end_token, ids, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._chat_template import Message
    from pefbench.heads._pairs import Array, End

ANSWER = "answer"
ALWAYS = ("system", TOOLS)
"""Roles of messages that apply to a whole conversation, and are never dropped."""


class Plain:
    """Prompts as plain text: earlier turns and the prompt are lines, after the instruction.

    before, after: the tokens around them. keep: which end is kept if they are too long.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, keep: End, before: Array, after: Array) -> None:
        self.tokenizer, self.keep = tokenizer, keep
        self.before, self.after = before, after

    def prompt(
        self,
        history: Sequence[Message],
        prompt: str,
        length: int,
        instruction: str = "",
        asks: str = "user",  # noqa: ARG002 - where roles are written
    ) -> tuple[Array, bool]:
        """At most `length` tokens, and whether the prompt is complete."""
        text, first = self._read(instruction, "\n".join([*(turn for _, turn in history), prompt]))
        room = max(0, length - len(self.before) - len(self.after))
        kept = cut(text[first:], max(0, room - first), self.keep)
        whole = np.concatenate([self.before, text[:first], kept, self.after])
        return cut(whole, length, "end"), len(text) <= room

    def _read(self, instruction: str, rest: str) -> tuple[Array, int]:
        """The tokens of both texts, and how many of them belong to the instruction."""
        if self.tokenizer.is_fast:
            [text] = tokens(self.tokenizer, [instruction + rest])
            return text.ids, int((text.offsets[:, 0] < len(instruction)).sum())
        parts = ids(self.tokenizer, [instruction, rest])
        return np.concatenate(parts), len(parts[0])


class Chat:
    """Prompts formatted by a chat template. If too long, the oldest turns are dropped, then the prompt is truncated."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, keep: End) -> None:
        if not tokenizer.is_fast:
            raise SourceError("a chat template needs a fast tokenizer (tokenizer.json), to cut prompts by characters")
        self.tokenizer, self.keep, self.template = tokenizer, keep, ChatTemplate(tokenizer)

    def prompt(
        self, history: Sequence[Message], prompt: str, length: int, instruction: str = "", asks: str = "user"
    ) -> tuple[Array, bool]:
        """At most `length` tokens, and whether the prompt is complete. Raises RecipeError, see `ChatTemplate.way`.

        asks: the role of the prompt.
        """
        found = whole = self._ids([*history, (asks, instruction + prompt)])
        system = [message for message in history if message[0] in ALWAYS]
        turns = [message for message in history if message[0] not in ALWAYS]
        # A tool's result means nothing without the question that led to it.
        while len(found) > length and turns and (asks == "user" or _later(turns)):
            turns = _later(turns)
            found = self._ids([*system, *turns, (asks, instruction + prompt)])
        text = prompt
        while len(found) > length and text:
            text = self._shorter(text, len(found) - length)
            found = self._ids([*system, *turns, (asks, instruction + text)])
        return cut(found, length, "end"), len(whole) <= length

    def refusal(
        self, history: Sequence[Message], prompt: str, length: int, instruction: str = "", asks: str = "user"
    ) -> str | None:
        """Why the template refuses a conversation, whole or truncated to `length`; None if it does not."""
        whole = [*history, (asks, instruction + prompt)]
        try:
            text = self.template.apply(whole, tokenize=False, add_generation_prompt=True)
            if len(text.encode()) > length:  # it may have more tokens: each has at least one byte
                self.prompt(history, prompt, length, instruction, asks)
        except RecipeError as error:
            return str(error)
        return None

    def end(self) -> int:
        """The token with which the template ends an answer; if there is none, the end token."""
        text: str = self.template.render([("user", "question"), ("assistant", ANSWER)], tokenize=False)
        before, _, after = text.rpartition(ANSWER)
        closing = self.tokenizer(after, add_special_tokens=False)["input_ids"] if before else []
        return next(
            (int(token) for token in closing if token in self.tokenizer.added_tokens_decoder), end_token(self.tokenizer)
        )

    def _shorter(self, text: str, excess: int) -> str:
        """The text without about `excess` of its tokens, and at least one character shorter."""
        [read] = tokens(self.tokenizer, [text])
        kept = (
            cut(read.offsets, len(read.offsets) - excess, self.keep) if len(read.offsets) > excess else read.offsets[:0]
        )
        if not len(kept):
            return ""
        if self.keep == "start":
            return text[: min(int(kept[-1, 1]), len(text) - 1)]
        return text[max(int(kept[0, 0]), 1) :]

    def _ids(self, messages: Sequence[Message]) -> Array:
        """A conversation's tokens up to the start of the answer; its texts cannot produce control tokens."""
        found = self.template.apply(
            messages, tokenize=True, add_generation_prompt=True, sanitize_control_tokens=True, return_dict=False
        )
        return np.asarray(found, dtype=np.int64)


def _later(turns: Sequence[Message]) -> list[Message]:
    """The conversation from the user's second turn on: most templates require that a user begins."""
    return list(dropwhile(lambda message: message[0] != "user", turns[1:]))


def for_decoder(
    tokenizer: PreTrainedTokenizerFast, keep: End, *, chat: bool, separator: str
) -> tuple[Plain | Chat, int]:
    """The formatter of a decoder's prompts, and the token that ends its answers.

    Without a template, `separator` is put between prompt and answer.
    """
    if chat and tokenizer.chat_template:
        by_template = Chat(tokenizer, keep)
        return by_template, by_template.end()
    before, after = added(tokenizer)
    [between] = ids(tokenizer, [separator])
    end = int(after[-1]) if len(after) else end_token(tokenizer)
    # The first token of an answer is predicted from the token before it, even if the prompt is empty.
    before = before if len(before) + len(between) else np.asarray([end], dtype=np.int64)
    return Plain(tokenizer, keep, before, between), end
