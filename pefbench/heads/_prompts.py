"""Prompts as a model reads them: by the chat template of its tokenizer, or as plain text."""

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
"""The roles of messages that hold for a whole conversation, and are never left out."""


class Plain:
    """Prompts as plain text: earlier turns and the prompt are lines, after the instruction.

    before, after: the tokens around them. keep: which end is kept when they are too long.
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
        """At most `length` tokens, and whether that is all of them."""
        text, first = self._read(instruction, "\n".join([*(turn for _, turn in history), prompt]))
        room = max(0, length - len(self.before) - len(self.after))
        kept = cut(text[first:], max(0, room - first), self.keep)
        whole = np.concatenate([self.before, text[:first], kept, self.after])
        return cut(whole, length, "end"), len(text) <= room

    def _read(self, instruction: str, rest: str) -> tuple[Array, int]:
        """The tokens of both texts, and how many of them are the instruction's."""
        if self.tokenizer.is_fast:
            [text] = tokens(self.tokenizer, [instruction + rest])
            return text.ids, int((text.offsets[:, 0] < len(instruction)).sum())
        parts = ids(self.tokenizer, [instruction, rest])
        return np.concatenate(parts), len(parts[0])


class Chat:
    """Prompts by a chat template. Of what is too long the oldest turns go first, then the prompt is cut."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, keep: End) -> None:
        if not tokenizer.is_fast:
            raise SourceError("a chat template needs a fast tokenizer (tokenizer.json), to cut prompts by characters")
        self.tokenizer, self.keep, self.template = tokenizer, keep, ChatTemplate(tokenizer)

    def prompt(
        self, history: Sequence[Message], prompt: str, length: int, instruction: str = "", asks: str = "user"
    ) -> tuple[Array, bool]:
        """At most `length` tokens, and whether that is all of them. Raises RecipeError, see `ChatTemplate.way`.

        asks: the role of the prompt.
        """
        found = whole = self._ids([*history, (asks, instruction + prompt)])
        system = [message for message in history if message[0] in ALWAYS]
        turns = [message for message in history if message[0] not in ALWAYS]
        # The result of a tool is nothing without the question that led to it.
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
        """The reason why the template refuses a conversation, whole or cut to `length`; None where it does not."""
        whole = [*history, (asks, instruction + prompt)]
        try:
            text = self.template.apply(whole, tokenize=False, add_generation_prompt=True)
            if len(text.encode()) > length:  # it may have more tokens: none has less than a byte
                self.prompt(history, prompt, length, instruction, asks)
        except RecipeError as error:
            return str(error)
        return None

    def end(self) -> int:
        """The token by which the template ends an answer, or the end token where it does not."""
        text: str = self.template.render([("user", "question"), ("assistant", ANSWER)], tokenize=False)
        before, _, after = text.rpartition(ANSWER)
        closing = self.tokenizer(after, add_special_tokens=False)["input_ids"] if before else []
        return next(
            (int(token) for token in closing if token in self.tokenizer.added_tokens_decoder), end_token(self.tokenizer)
        )

    def _shorter(self, text: str, excess: int) -> str:
        """A text without about `excess` of its tokens, and a character shorter at least."""
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
        """A conversation's tokens up to where the answer begins; its texts cannot write control tokens."""
        found = self.template.apply(
            messages, tokenize=True, add_generation_prompt=True, sanitize_control_tokens=True, return_dict=False
        )
        return np.asarray(found, dtype=np.int64)


def _later(turns: Sequence[Message]) -> list[Message]:
    """A conversation from the user's second turn on: most templates want a user to begin."""
    return list(dropwhile(lambda message: message[0] != "user", turns[1:]))


def for_decoder(
    tokenizer: PreTrainedTokenizerFast, keep: End, *, chat: bool, separator: str
) -> tuple[Plain | Chat, int]:
    """The maker of a decoder's prompts, and the token that ends its answers.

    Without a template, `separator` stands between prompt and answer.
    """
    if chat and tokenizer.chat_template:
        by_template = Chat(tokenizer, keep)
        return by_template, by_template.end()
    before, after = added(tokenizer)
    [between] = ids(tokenizer, [separator])
    end = int(after[-1]) if len(after) else end_token(tokenizer)
    # The first token of an answer is predicted from a token before it, even after an empty prompt.
    before = before if len(before) + len(between) else np.asarray([end], dtype=np.int64)
    return Plain(tokenizer, keep, before, between), end
