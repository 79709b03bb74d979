"""A tokenizer's chat template: which conversations it accepts, and how others are changed until it accepts them.

A template is a program written by whoever made the model. transformers runs it in jinja's sandbox, where it can reach
neither files nor Python's internals. Here it runs in a separate process, with limits, and its errors are reported in
one line.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pefbench.errors import RecipeError
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import PreTrainedTokenizerFast

Message = tuple[str, str]
"""A role and its text: system, user, assistant or tool. The roles `CALLS` and `TOOLS` have a list as JSON."""
TemplateMessage = dict[str, Any]  # as templates take it: `role`, `content`, and the fields of a tool's call or result

CALLS, TOOLS = "calls", "tools"
"""The roles for the tools that an assistant calls, and for those that it may call; both in the format of OpenAI's API.
"""
SECONDS = 5.0
"""The processor time in seconds that a template may use for one conversation."""
DATED = "the chat template inserts today's date; 26 July 2024 is used instead, so that prompts are the same every day"
MARK = "xqz{}xqz"
"""Replaces each text of a conversation, to see whether the template's output contains it."""


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self._ways: dict[tuple[tuple[str, bool], ...], Way | RecipeError] = {}

    def apply(self, messages: Sequence[Message], **options: Any) -> Any:
        """Apply the template to messages, changed as it requires. Raises RecipeError: see `way`."""
        return self.render(self.way(messages)(messages), **options)

    def render(self, messages: Sequence[Message], **options: Any) -> Any:
        """Apply the template to unchanged messages. Raises RecipeError if it fails, for whatever reason."""
        from pefbench.models.patches.templates import rendered_apart

        with reading(_refuses(messages), RecipeError), rendered_apart(SECONDS):
            return self.tokenizer.apply_chat_template(_as_dicts(messages), tools=_tools(messages), **options)

    def way(self, messages: Sequence[Message]) -> Way:
        """How to pass messages with these roles: the first way in which the template neither refuses nor drops any.

        If there is none, raises RecipeError with the template's error for the unchanged messages.
        """
        shape = tuple((role, bool(text.strip())) for role, text in messages)
        if shape not in self._ways:
            self._ways[shape] = self._tried(messages)
        found = self._ways[shape]
        if isinstance(found, RecipeError):
            raise RecipeError(str(found))
        return found

    @property
    def notes(self) -> list[str]:
        """Notes on how conversations so far were changed for the template."""
        ways = [way for way in self._ways.values() if isinstance(way, Way)]
        dated = [DATED] if "strftime_now" in str(self.tokenizer.chat_template) else []
        return sorted({note for way in ways for note in way.notes}) + dated

    def _tried(self, messages: Sequence[Message]) -> Way | RecipeError:
        refused, tried = None, list[list[Message]]()
        for way in WAYS:
            if (put := way(messages)) in tried:
                continue
            tried.append(put)
            try:
                self._check_written(put)
            except RecipeError as error:
                refused = refused or error
            else:
                return way
        return refused or RecipeError("")

    def _check_written(self, messages: Sequence[Message]) -> None:
        """Raise RecipeError if the template refuses messages with these roles, or drops one of them."""
        marked = [(role, _marked(role, text, MARK.format(at))) for at, (role, text) in enumerate(messages)]
        written = self.render(marked, tokenize=False, add_generation_prompt=True)
        for at, (role, text) in enumerate(messages):
            if MARK.format(at) not in written and text.strip():
                raise RecipeError(f"{_refuses(messages)}: it drops messages of role {role}")


class Way:
    """A way to change a conversation for a template, with notes for the user."""

    def __init__(self, *changes: tuple[Callable[[Sequence[Message]], list[Message]], str]) -> None:
        self.changes = [change for change, _ in changes]
        self.notes = [note for _, note in changes]

    def __call__(self, messages: Sequence[Message]) -> list[Message]:
        """The messages, changed this way."""
        changed = list(messages)
        for change in self.changes:
            changed = change(changed)
        return changed


def _folded(messages: Sequence[Message]) -> list[Message]:
    """Messages with the system message put before the first user message."""
    system = "\n\n".join(text for role, text in messages if role == "system")
    others = [message for message in messages if message[0] != "system"]
    first = next((at for at, (role, _) in enumerate(others) if role == "user"), None)
    if not system or first is None:
        return list(messages)
    others[first] = ("user", f"{system}\n\n{others[first][1]}")
    return others


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Messages with consecutive user messages joined into one, and likewise those of the assistant."""
    merged: list[Message] = []
    for role, group in groupby(messages, key=lambda message: message[0]):
        same = list(group)
        merged += [(role, "\n".join(text for _, text in same))] if role in ("user", "assistant") else same
    return merged


FOLD = (
    _folded,
    "the chat template has no system role: the system message is put before the first user message",
)
MERGE = (_merged, "the chat template takes no two messages of one role in a row: they are joined by a line break")
WAYS = (Way(), Way(FOLD), Way(MERGE), Way(FOLD, MERGE))
"""In order of how much they change."""


def _refuses(messages: Sequence[Message]) -> str:
    return f"model.name: its chat template refuses the roles {', '.join(role for role, _ in messages)}"


def _as_dicts(messages: Sequence[Message]) -> list[TemplateMessage]:
    """Messages as templates expect them: calls belong to the assistant's message, results to the calls, in order."""
    found: list[TemplateMessage] = []
    waiting: list[TemplateMessage] = []
    for role, text in messages:
        if role == CALLS:
            waiting = json.loads(text)
            if not found or found[-1]["role"] != "assistant":
                found.append({"role": "assistant", "content": ""})
            found[-1]["tool_calls"] = list(waiting)
        elif role == "tool":
            call = waiting.pop(0) if waiting else {}
            name = call.get("function", {}).get("name")
            found.append({"role": role, "content": text, "tool_call_id": call.get("id"), "name": name})
        elif role != TOOLS:
            found.append({"role": role, "content": text})
    return found


def _tools(messages: Sequence[Message]) -> list[Any] | None:
    return next((json.loads(text) for role, text in messages if role == TOOLS), None)


def _marked(role: str, text: str, mark: str) -> str:
    """The text to look for in a template's output: the mark, or tools whose first is named by the mark."""
    if role not in (CALLS, TOOLS):
        return mark
    first, *others = json.loads(text)
    function = first.get("function", first)
    renamed = {**function, "name": mark}
    return json.dumps([{**first, "function": renamed} if "function" in first else renamed, *others])
