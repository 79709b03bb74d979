"""A tokenizer's chat template: what it takes of a conversation, and how what it does not take is put.

A template is a program of whoever made the model. transformers runs it in jinja's sandbox, where it reaches neither
files nor Python's internals; here it runs in a process of its own, with limits, and whatever it raises is told in one
line.
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
"""A role and its text: system, user, assistant or tool. A list as JSON: `CALLS` and `TOOLS`."""
TemplateMessage = dict[str, Any]  # as templates take it: `role`, `content`, and what a tool's call or result has

CALLS, TOOLS = "calls", "tools"
"""The tools that an assistant calls, and those that it may call; both are written as in OpenAI's API."""
SECONDS = 5.0
"""Seconds of the processor that a template may take for one conversation."""
DATED = "the chat template inserts today's date; 26 July 2024 is used instead, so that prompts are the same every day"
MARK = "xqz{}xqz"
"""What stands for each text of a conversation, to see whether the template writes it."""


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self._ways: dict[tuple[tuple[str, bool], ...], Way | RecipeError] = {}

    def apply(self, messages: Sequence[Message], **options: Any) -> Any:
        """Apply the template to messages, put as it takes them. Raises RecipeError: see `way`."""
        return self.render(self.way(messages)(messages), **options)

    def render(self, messages: Sequence[Message], **options: Any) -> Any:
        """Apply the template to messages as they are. Raises RecipeError where it fails, for whatever reason."""
        from pefbench.models.patches.templates import rendered_apart

        with reading(_refuses(messages), RecipeError), rendered_apart(SECONDS):
            return self.tokenizer.apply_chat_template(_as_dicts(messages), tools=_tools(messages), **options)

    def way(self, messages: Sequence[Message]) -> Way:
        """How the template takes messages of these roles: the first way in which it refuses and leaves out nothing.

        Raises RecipeError, with what it said to the messages as they are, where there is none.
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
        """What gave way to the template in the conversations so far."""
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
        """Raise RecipeError for a template that refuses messages of these roles, or leaves one of them out."""
        marked = [(role, _marked(role, text, MARK.format(at))) for at, (role, text) in enumerate(messages)]
        written = self.render(marked, tokenize=False, add_generation_prompt=True)
        for at, (role, text) in enumerate(messages):
            if MARK.format(at) not in written and text.strip():
                raise RecipeError(f"{_refuses(messages)}: it drops messages of role {role}")


class Way:
    """A way to put a conversation, and what is said of it."""

    def __init__(self, *changes: tuple[Callable[[Sequence[Message]], list[Message]], str]) -> None:
        self.changes = [change for change, _ in changes]
        self.notes = [note for _, note in changes]

    def __call__(self, messages: Sequence[Message]) -> list[Message]:
        """The messages, put so."""
        changed = list(messages)
        for change in self.changes:
            changed = change(changed)
        return changed


def _folded(messages: Sequence[Message]) -> list[Message]:
    """Messages with what the system says before what the user says first."""
    system = "\n\n".join(text for role, text in messages if role == "system")
    others = [message for message in messages if message[0] != "system"]
    first = next((at for at, (role, _) in enumerate(others) if role == "user"), None)
    if not system or first is None:
        return list(messages)
    others[first] = ("user", f"{system}\n\n{others[first][1]}")
    return others


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Messages with one of each user, and of each assistant, where several follow each other."""
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
"""From the least to the most that is changed."""


def _refuses(messages: Sequence[Message]) -> str:
    return f"model.name: its chat template refuses the roles {', '.join(role for role, _ in messages)}"


def _as_dicts(messages: Sequence[Message]) -> list[TemplateMessage]:
    """Messages as templates know them: calls belong to the assistant's message, results to the calls, in order."""
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
    """A text to look for in what a template writes: the mark, or tools whose first has the mark as its name."""
    if role not in (CALLS, TOOLS):
        return mark
    first, *others = json.loads(text)
    function = first.get("function", first)
    renamed = {**function, "name": mark}
    return json.dumps([{**first, "function": renamed} if "function" in first else renamed, *others])
