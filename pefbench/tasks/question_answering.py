"""Question answering: find the span of a text that answers a question, or say that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import SpanExample
from pefbench.heads.span import SpanDataset
from pefbench.remarks import Odd
from pefbench.tasks import Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import answers, references, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

    Read = tuple[Row, SpanExample, answers.Answers]


class SpanOptions(Options):
    """How long contexts are split into windows, and how long an answer may be."""

    overlap: int | None = Field(
        None, ge=0, description="tokens that two windows on a long context share; null: a third of max_length"
    )
    max_answer_length: int = Field(30, ge=1, description="maximum length of an answer, in tokens")


def text(values: Mapping[str, Any]) -> str:
    """The question and its context: the same question may be asked about two texts."""
    return f"{values['question']}\n{values['context']}"


def context(values: Mapping[str, Any]) -> str:
    """The context: all questions about it must be in the same split."""
    return str(values["context"])


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, overlap: int | None, max_answer_length: int
) -> SpanDataset:
    """Read questions with their answers; a question without answers is unanswerable from its context (SQuAD 2.0)."""
    examples, notes = {}, []
    for split, rows in splits.items():
        found = bad.good(rows, _example)
        examples[split] = [example for _, example, _ in found]
        notes += _notes(split, found)
    return SpanDataset(examples, notes, overlap=overlap, max_answer_length=max_answer_length)


def _example(row: Row) -> Read:
    """A row as an example. Raises DataError if an answer is neither at its offset nor near it."""
    question, context = (values.text(row, column) for column in ("question", "context"))
    found = answers.read(row, context)
    return row, SpanExample(question, context, found.spans, group=row.group), found


def _notes(split: str, found: Sequence[Read]) -> list[str]:
    """Notes on missing and misplaced answers. Raises DataError if all questions of a split lack an answer."""
    unmarked = [row for row, _, each in found if each.unmarked]
    moved = [row for row, _, each in found if each.moved]
    if unmarked and len(unmarked) == len(found):
        raise DataError(
            f"{unmarked[0].where}: no question of the {split} split has an answer, and none says that it has none"
        )
    notes: list[str] = []
    if unmarked:
        notes.append(
            Odd(
                f"{len(unmarked):,} of {len(found):,} {split} questions have no answer and are not marked as "
                f"unanswerable; they are read as such, the first {unmarked[0].where}"
            )
        )
    if moved:
        number = sum(each.moved for _, _, each in found)
        notes.append(
            Odd(
                f"{number:,} {split} answers are not at their offset and were found within {answers.NEAR} characters "
                f"of it, the first at {moved[0].where}"
            )
        )
    return notes


TASK = Task(
    head="span",
    columns={
        "question": ("question",),
        "context": ("context",),
        "answers": ("answers", "answers.text", "answer", "answer_text"),
        "starts": ("answers.answer_start", "answer_start"),
        "impossible": ("is_impossible",),
    },
    later=("starts", "impossible"),
    several={
        "answers": references.several("answer", "answers", "answer_text", "answers.text"),
        "starts": references.several("answer_start", "start", "answers.answer_start", read=answers.offset),
    },
    text=text,
    group=context,
    read=read,
    options=SpanOptions,
    metrics=("squad",),
    baselines=("overlapping_sentence",),
    text_format="squad",
    defaults={
        "model": {"name": MINILM},
        # Parameters of functions, from docstrings; tested on another package than those learned from.
        "data": {
            "source": "wheel:networkx==3.6.1!networkx + wheel:discord.py==2.7.1!discord + "
            "wheel:seaborn==0.13.2!seaborn + wheel:control==0.10.2!control",
            "train": "networkx + discord",
            "validation": "seaborn",
            "test": "control",
            "format": "docstring_parameters",
            "repeats": "drop",
        },
        "train": {"epochs": 1, "batch_size": 8, "max_length": 256},
        "evaluate": {"batch_size": 16},
    },
)
