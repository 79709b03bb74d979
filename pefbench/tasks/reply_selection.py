"""Reply selection, as in customer service and small talk: choose the actual reply among several.

If the data have no candidates, the wrong ones are drawn from the replies of the same split (Lowe et al. 2015,
arXiv:1506.08909), each as often as it is a right one there. A reply that the split gives to the same context elsewhere
is never a wrong one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.heads.examples import NO_CANDIDATE, ChoiceExample
from pefbench.tasks import Inputs, Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import choices, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


class ReplyOptions(Options):
    """The number of replies to choose from."""

    candidates: int = Field(
        10,
        ge=2,
        description="number of replies to choose from, including the right one, where the data have no candidates",
    )


def text(values: Mapping[str, Any]) -> str:
    """A row's text: the turns, the reply and the candidates, if present."""
    return "\n".join(turn for column in ("context", "reply", "candidates") for turn in _turns(values[column]))


def group(values: Mapping[str, Any]) -> str:
    """The first turn, which must be in a single split: a row's reply is often a turn of another row's context."""
    turns = _turns(values["context"])
    return turns[0] if turns else ""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, *, candidates: int) -> ChoiceDataset:
    """Read every turn of a conversation except the first as a reply to the turns before it, or each row's own reply."""
    questions = {
        split: [each for found in bad.good(rows, _questions) for each in found] for split, rows in splits.items()
    }
    return ChoiceDataset({split: choices.examples(found, candidates) for split, found in questions.items()}, keep="end")


def _questions(row: Row) -> list[choices.Question]:
    """A row's replies, each with the turns before it. Raises DataError if it has none."""
    turns = _turns(row.values["context"])
    if not turns or not all(turn.strip() for turn in turns):
        raise values.wrong(row, "context", "a text or a list of turns")
    if not _is_conversation(row.values):
        return [_replied(row, "\n".join(turns))]
    if len(turns) < 2:
        raise DataError(
            f"{row.where}: a single turn, {turns[0][:40]!r}, has no reply: name a column with lists of turns as "
            "data.columns.context, or one with replies as data.columns.reply, or candidates and label"
        )
    return [
        choices.Question(row, "\n".join(turns[:end]), turns[end], cluster=group(row.values))
        for end in range(1, len(turns))
    ]


def _replied(row: Row, context: str) -> choices.Question:
    """A row's own reply, or the one that it names among its candidates."""
    reply = row.values["reply"]
    if row.values["candidates"] is None:
        return choices.Question(row, context, values.text(row, "reply"), cluster=group(row.values))
    candidates = choices.texts(row.values["candidates"], row, "candidates")
    if row.values["label"] is not None:
        right = choices.place(row, "label", len(candidates))
    elif reply in candidates:
        right = candidates.index(reply)
    else:
        raise DataError(f"{row.where}: no label, and the reply {str(reply)[:60]!r} is none of the candidates")
    return choices.among(row, context, candidates, right)._replace(cluster=group(row.values))


def _unanswered(row: Row, _: object) -> ChoiceExample:
    """A text, or turns, and the candidate replies in order."""
    turns = _turns(row.values["context"])
    if not turns or not all(turn.strip() for turn in turns):
        raise values.wrong(row, "context", "a text or a list of turns")
    return ChoiceExample(
        "\n".join(turns), tuple(choices.texts(row.values["candidates"], row, "candidates")), NO_CANDIDATE
    )


def _is_conversation(values: Mapping[str, Any]) -> bool:
    return values["reply"] is None and values["candidates"] is None


def _turns(value: object) -> list[str]:
    """Turns: a list, MultiWOZ's list under `utterance`, or a single text."""
    turns = value.get("utterance") if isinstance(value, dict) else value
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
    inputs=Inputs(
        ("context", "candidates"),
        _unanswered,
        sample={"context": ["Hello.", "Who are you?"], "candidates": ["Me.", "No."]},
    ),
    options=ReplyOptions,
    metrics=("recall_at_1",),
    baselines=("first_candidate", "overlapping_candidate"),
    defaults={
        "model": {"name": MINILM},
        # One entry in the files has a single turn and is left out; many conversations occur several times.
        "data": {
            "source": "wheel:chatterbot-corpus==1.3.3!chatterbot_corpus/data/english",
            "format": "chatterbot",
            "on_bad_row": "skip",
            "repeats": "drop",
        },
        "train": {"epochs": 2, "batch_size": 8, "max_length": 64},
    },
)
