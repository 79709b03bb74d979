"""Reads conversations as lists of messages: OpenAI's `{role, content}`, with tools, and ShareGPT's `{from, value}`.

An assistant's message to a user, or after the result of a tool, is a reply. Its other messages are only context.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads._chat_template import CALLS, TOOLS
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads._chat_template import Message
    from pefbench.sources import Row

ROLES = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    **dict.fromkeys(("human",), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "model", "ai", "bot"), "assistant"),
    **dict.fromkeys(("function", "observation"), "tool"),
    "developer": "system",
    "function_call": CALLS,
}
"""Names of roles in OpenAI's and ShareGPT's messages -> the role."""
READ = {"role", "from", "content", "value", "tool_calls", "function_call", "tool_call_id", "name", "id", "weight"}
"""The keys of a message that are read, or that do not concern the model."""
WANTED = "a list of {role, content} with texts as content and the roles system, user, assistant and tool"
UNLEARNED = "unlearned"
"""The role of an assistant's message of weight 0, until the replies are found."""
JOINED, EMPTY, CALLING, WEIGHTLESS, ALONE = (
    "replies of several messages in a row (joined by a line break)",
    "empty assistant messages (left out)",
    "assistant messages that call a tool (context only, not learned)",
    "assistant messages of weight 0 (context only, not learned)",
    "assistant messages that reply to nobody (context only, not learned)",
)


@dataclass(frozen=True)
class Reply:
    """A reply, and the conversation before it, including the system's message."""

    before: tuple[Message, ...]
    text: str


@dataclass
class Counted:
    """Counts of messages that are not read unchanged, by what was done with them."""

    found: Counter[str] = field(default_factory=Counter)

    def notes(self, split: str) -> list[str]:
        """A line for each count."""
        return [f"{split}: {what}: {number:,}" for what, number in sorted(self.found.items())]


def replies(row: Row, counted: Counted) -> list[Reply]:
    """A row's replies, each with the conversation before it. Raises DataError if there is none."""
    given = values.as_list(row.values["messages"])
    if given is None:
        raise values.wrong(row, "messages", WANTED)
    found = Counted()
    learned = list(_learned(_messages(row, given, found), found))
    if not learned:
        raise DataError(f"{row.where}: no assistant message follows a user message")
    counted.found += found.found
    return learned


def unanswered(row: Row) -> tuple[Message, ...]:
    """A row's messages, the last of which awaits a reply. Raises DataError if it does not."""
    given = values.as_list(row.values["messages"])
    if not given:
        raise values.wrong(row, "messages", WANTED)
    messages = _messages(row, given, Counted())
    if not messages or messages[-1][0] not in ("user", "tool"):
        raise DataError(f"{row.where}: {row.name('messages')} should end with a message of the user, or of a tool")
    return tuple(("assistant" if role == UNLEARNED else role, text) for role, text in messages)


def messages_of(value: object) -> list[Message]:
    """The messages in a list that have a known role and content; other content, such as an image, as JSON."""
    messages = [each for each in values.as_list(value) or [] if isinstance(each, dict)]
    pairs = [(_role(each), _text(each)) for each in messages]
    texts = [(role, text if isinstance(text, str) else json.dumps(text, default=str)) for role, text in pairs if text]
    return [(role, text) for role, text in texts if role is not None and text.strip()]


def system(row: Row) -> list[Message]:
    """The system's message, if it has its own column."""
    text = row.values.get("system")
    return [("system", text)] if isinstance(text, str) and text.strip() else []


def _messages(row: Row, given: Sequence[Any], found: Counted) -> list[Message]:
    """A row's messages, after the content of its other columns."""
    messages = [one for at, each in enumerate(_in_order(given), start=1) for one in _message(row, at, each, found)]
    return [*_context(row, messages), *messages]


def _context(row: Row, messages: Sequence[Message]) -> list[Message]:
    """The content of the row's other columns: the tools, and the system's message if the list has none."""
    tools = row.values.get("tools")
    listed = values.as_list(tools) if tools is not None else []
    if listed is None or not all(isinstance(each, dict) for each in listed):
        raise values.wrong(row, "tools", "a list of the tools' JSON schemas")
    has_system = any(role == "system" for role, _ in messages)
    return [*([(TOOLS, json.dumps(listed))] if listed else []), *([] if has_system else system(row))]


def _in_order(messages: Sequence[Any]) -> list[Any]:
    """Messages with tool results in the order of their calls, if they name their calls."""
    places: dict[str, int] = {}
    found: list[Any] = []
    for of_tools, group in groupby(messages, key=lambda each: isinstance(each, dict) and _role(each) == "tool"):
        some = list(group)
        if of_tools:
            some.sort(key=lambda each: places.get(str(each.get("tool_call_id")), len(places)))
        elif isinstance(some[-1], dict) and isinstance(some[-1].get("tool_calls"), list):
            calls = [call for call in some[-1]["tool_calls"] if isinstance(call, dict)]
            places = {str(call.get("id")): at for at, call in enumerate(calls)}
        found += some
    return found


def _message(row: Row, at: int, given: object, found: Counted) -> list[Message]:
    """One message: its text, and its tool calls. at: its place, from 1."""
    role = _role(given) if isinstance(given, dict) else None
    if role is None or not isinstance(given, dict):
        raise values.wrong(row, "messages", WANTED, given)
    for key in sorted(map(str, given.keys() - READ)):
        found.found[f"messages with {key!r} (not read)"] += 1
    text, calls = _text(given), _calls(row, role, given)
    empty = text is None or (isinstance(text, str) and not text.strip())
    if not isinstance(text, str) and (text is not None or role == "user"):
        raise values.wrong(row, "messages", WANTED, text)
    if empty and not calls and role == "assistant":
        found.found[EMPTY] += 1
    elif empty and role == "user":
        raise DataError(f"{row.where}: message {at}, of the user, should be a non-empty text")
    weightless = role == "assistant" and given.get("weight") == 0
    if weightless and not empty:
        found.found[WEIGHTLESS] += 1
    # An empty result of a tool counts; other empty messages say nothing.
    spoken = [] if role == CALLS or (empty and role != "tool") else [(role, str(text or ""))]
    if weightless:
        spoken = [(UNLEARNED, content) for _, content in spoken]
    return [*spoken, *([(CALLS, json.dumps(calls))] if calls else [])]


def _learned(messages: Sequence[Message], found: Counted) -> list[Reply]:
    """The replies among messages; consecutive messages of the assistant are joined."""
    learned: list[Reply] = []
    at = 0
    while at < len(messages):
        end = at
        while end < len(messages) and messages[end][0] == "assistant":
            end += 1
        if end == at:
            at += 1
            continue
        previous_role = messages[at - 1][0] if at else None
        if end < len(messages) and messages[end][0] == CALLS:
            found.found[CALLING] += end - at
        elif previous_role not in ("user", "tool"):
            found.found[ALONE] += end - at
        else:
            found.found[JOINED] += end > at + 1
            before = tuple(("assistant" if role == UNLEARNED else role, text) for role, text in messages[:at])
            learned.append(Reply(before, "\n".join(text for _, text in messages[at:end])))
        at = end
    found.found += Counter()  # drops zero counts
    return learned


def _role(message: Mapping[str, Any]) -> str | None:
    name = message.get("role", message.get("from"))
    return ROLES.get(name.strip().lower()) if isinstance(name, str) else None


def _text(message: Mapping[str, Any]) -> object:
    """A message's text, joined if it consists of text parts; any other content unchanged."""
    value = message.get("content", message.get("value"))
    parts: list[Any] = value if isinstance(value, list) else []
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else part for part in parts
    ]
    whole = [text for text in texts if isinstance(text, str)]
    return "\n".join(whole) if whole and len(whole) == len(parts) else value


def _calls(row: Row, role: str, message: Mapping[str, Any]) -> list[dict[str, object]]:
    """A message's tool calls in OpenAI's format, with arguments as objects. Raises DataError."""
    given: object = message.get("tool_calls")
    if given is None and message.get("function_call") is not None:
        given = [message["function_call"]]
    if role == CALLS:
        given = _text(message)
        given = values.as_list(given) or [_read(given)]
    if given is None or given == []:
        return []
    calls = [_call(each) for each in given] if isinstance(given, list) else [None]
    if role not in ("assistant", CALLS) or None in calls:
        raise values.wrong(
            row, "messages", "an assistant's tool_calls as a list of {function: {name, arguments}}", given
        )
    return [call for call in calls if call is not None]


def _call(given: object) -> dict[str, object] | None:
    if not isinstance(given, dict):
        return None
    function = given.get("function", given)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    arguments = _read(function.get("arguments", function.get("parameters", {})))
    identity = {"id": given["id"]} if isinstance(given.get("id"), str) else {}
    return {**identity, "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _read(value: object) -> object:
    """The value of a JSON text; any other value unchanged."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
