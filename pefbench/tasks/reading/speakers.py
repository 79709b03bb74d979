"""Reads conversations whose turns lack the roles of messages.

LIMA's are lists of texts, beginning with the user's; MultiWOZ 2.2 and the Schema-Guided Dialogues name the speakers::

    {"conversations": ["Hi", "Hello!"]}
    {"turns": [{"speaker": "USER", "utterance": "Hi"}, {"speaker": "SYSTEM", "utterance": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.sources.cells import is_missing
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Iterable

SPEAKER, UTTERANCE = "speaker", "utterance"
ROLES = {"user": "user", "system": "assistant"}
"""The speaker, in lower case -> the role. Here the system is the one that answers, not a system prompt."""
TEXTS_NOTE = "conversations without roles: the user says the first text, and the assistant replies"
SPEAKERS_NOTE = "the speaker SYSTEM is read as the assistant"


def note(cells: Iterable[Any], *, texts: bool) -> str | None:
    """A note if all cells are such conversations, otherwise None. texts: whether turns may be plain texts."""
    lists = [values.as_list(cell) for cell in cells if not is_missing(cell)]
    turns = [turn for each in lists for turn in each or [None]]
    if texts and turns and all(isinstance(turn, str) for turn in turns):
        return TEXTS_NOTE
    return SPEAKERS_NOTE if turns and all(map(_is_spoken, turns)) else None


def messages(cell: Any) -> Any:
    """A conversation as messages; an empty cell stays unchanged."""
    turns = values.as_list(cell)
    return cell if turns is None else [_message(at, turn) for at, turn in enumerate(turns)]


def _is_spoken(turn: Any) -> bool:
    return isinstance(turn, dict) and UTTERANCE in turn and str(turn.get(SPEAKER)).lower() in ROLES


def _message(at: int, turn: Any) -> dict[str, object]:
    if isinstance(turn, str):
        return {"role": ("user", "assistant")[at % 2], "content": turn}
    return {"role": ROLES[turn[SPEAKER].lower()], "content": turn[UTTERANCE]}
