"""Reads other layouts for dialogue: preference pairs, Dolly's contexts, transcripts, speakers.

For a preference pair, the chosen answer is learned::

    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}
    {"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "rejected": [...]}
    {"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "Hello!"}, ...}
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.tasks.reading import chats, speakers, transcripts, values
from pefbench.tasks.reading.columns import found_columns

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    from pefbench.sources import Row, Rows
    from pefbench.tasks.reading.columns import Choice

CHOSEN, REJECTED = "chosen", "rejected"
MESSAGES = ("messages", "conversations")
PROMPTS = ("prompt", "question", "input")
TURNS = ("turns", "dialog", "dialogue")
ANSWERS = (*TURNS, "completion", "response", "reply", "answer", "output")
"""The usual names of the columns with the text to learn, except messages."""
ELSE = (CHOSEN, *MESSAGES, *PROMPTS, *ANSWERS, "instruction")
"""The usual names of all columns that dialogue reads."""
TEXTS = ("text", CHOSEN, REJECTED)
"""The usual names of columns whose texts may be whole conversations: see `transcripts`."""
NOTE = "preference pairs: the chosen answers are learned"


def for_dialogue(table: Rows, named: Choice) -> Rows:
    """Turn a table in one of these layouts into messages, or prompts and completions; leave others unchanged.

    named: the recipe's names of the task's columns; a layout applies unless they contradict it. Raises DataError for
    preference pairs whose conversations are single texts.
    """
    return _of_preferences(_of_contexts(_of_transcripts(_of_speakers(table, named), named), named), named)


def _of_speakers(table: Rows, named: Choice) -> Rows:
    """Turn turns without roles into messages."""
    if {"turns", "messages"} & named.keys():
        return table
    for name in found_columns((*MESSAGES, *TURNS), table.columns):
        note = speakers.note((row.values[name] for row in table.rows), texts=name.lower() in MESSAGES)
        if note is not None and (name == "messages" or "messages" not in table.columns):
            read = partial(_spoken, name=name)
            return _replaced(table, (name,), "messages", read, note)
    return table


def _spoken(row: Row, name: str) -> Any:
    return speakers.messages(row.values[name])


def _of_transcripts(table: Rows, named: Choice) -> Rows:
    """Turn conversations in one text into messages, if no other column has the text to learn."""
    if {"turns", "messages", "completion"} & named.keys() or found_columns((*MESSAGES, *ANSWERS), table.columns):
        return table
    for name in found_columns(TEXTS, table.columns):
        written = transcripts.style(row.values[name] for row in table.rows)
        if written is not None:
            new = "messages" if name == TEXTS[0] else name
            read = partial(_transcript, name=name, written=written)
            table = _replaced(table, (name,), new, read, transcripts.NOTE)
    if TEXTS[0] in table.columns and table.rows and not named and not found_columns(ELSE, table.columns):
        raise DataError(
            f"{table.rows[0].file}: {TEXTS[0]!r} says neither what is replied to nor the reply; write conversations "
            "as lists of {role, content} under messages, or who speaks before each turn, as in "
            "'### Human: ... ### Assistant: ...'"
        )
    return replace(table, notes=tuple(dict.fromkeys(table.notes)))


def _transcript(row: Row, name: str, written: re.Pattern[str]) -> Any:
    return transcripts.messages(row.values[name], written)


def _of_contexts(table: Rows, named: Choice) -> Rows:
    """Rename Dolly's `context` to `input`, the usual name for the input of an instruction."""
    if not {"instruction", "context"} <= {*table.columns} or "prompt" in named or found_columns(PROMPTS, table.columns):
        return table
    return _replaced(table, ("context",), "input", lambda row: row.values["context"], "context is read as the input")


def _of_preferences(table: Rows, named: Choice) -> Rows:
    if not {CHOSEN, REJECTED} <= {*table.columns} or {"turns", "messages", "completion"} & named.keys():
        return table
    if found_columns(ANSWERS, table.columns):
        return table
    history = next(iter(found_columns(MESSAGES, table.columns)), None)
    if any(isinstance(row.values[CHOSEN], dict) for row in table.rows):
        return _as_messages(table, history or _prompt(table, named))
    if history is not None:
        return table
    prompt = _prompt(table, named)
    if any(values.as_list(row.values[CHOSEN]) is not None for row in table.rows):
        return _as_messages(table, prompt)
    if prompt is None and "instruction" not in table.columns and table.rows:
        raise DataError(
            f"{table.rows[0].file}: 'chosen' holds texts and no column a prompt; write conversations as lists of "
            f"{{role, content}}, or each as a prompt and its answer"
        )
    return _replaced(table, (CHOSEN,), "completion", lambda row: row.values[CHOSEN], NOTE)


def _prompt(table: Rows, named: Mapping[str, object]) -> str | None:
    given = named.get("prompt")
    wanted = (given,) if isinstance(given, str) else PROMPTS
    return next(iter(found_columns(wanted, table.columns)), None)


def _as_messages(table: Rows, before: str | None) -> Rows:
    """Join the conversation before, if a column has it, and the chosen answer into one conversation."""

    def conversation(row: Row) -> Any:
        chosen = row.values[CHOSEN]
        last = [chosen] if isinstance(chosen, dict) else values.as_list(chosen)
        if last is None or before is None:
            return chosen if last is None else last
        first = values.as_list(row.values[before])
        if first is not None:
            return [*first, *last]
        has_user = any(role == "user" for role, _ in chats.messages_of(last))
        return last if has_user else [{"role": "user", "content": row.values[before]}, *last]

    gone = (CHOSEN,) if before is None else (CHOSEN, before)
    return _replaced(table, gone, "messages", conversation, NOTE)


def _replaced(table: Rows, gone: Sequence[str], name: str, read: Callable[[Row], Any], note: str) -> Rows:
    """The table with one column in place of those that are gone, and a note."""
    rows = [
        replace(row, values={**{key: row.values[key] for key in row.values if key not in gone}, name: read(row)})
        for row in table.rows
    ]
    columns = (*(column for column in table.columns if column not in gone), name)
    return replace(table, columns=columns, rows=rows, notes=(*table.notes, note))
