"""Math reasoning: solve a word problem step by step; the final answer counts.

The task of MetaMathQA in PEFT's method_comparison: learned on MetaMathQA (Yu et al. 2023, arXiv:2309.12284), tested on
GSM8K (Cobbe et al. 2021, arXiv:2110.14168), with the benchmark's prompt, limits and rule for what is right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from pefbench.errors import counted
from pefbench.heads.examples import GenerationExample
from pefbench.metrics.final_answer_accuracy import WANTED, final_answer, is_right
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row

PROMPT = "Question: {} Think step by step.\nAnswer:"
"""The benchmark's prompt; a solution follows it without a space, and no chat template is used."""


class MathOptions(generation.GenerationOptions):
    """How long a solution may become, and which problems are learned and scored."""

    max_new_tokens: int = Field(
        300,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )
    max_characters: int | None = Field(
        1300,
        ge=1,
        description="maximum number of characters of a training problem with its solution and a space; longer ones are "
        "left out; null: no limit",
    )
    validated: int | None = Field(
        None,
        ge=1,
        description="maximum number of validation problems, drawn as PEFT's benchmark draws its 50; null: all",
    )


def text(values: Mapping[str, Any]) -> str:
    """The problem."""
    return str(values["question"])


def read(
    splits: Mapping[str, Sequence[Row]],
    bad: BadRows,
    *,
    max_characters: int | None,
    validated: int | None,
    **options: Any,
) -> GenerationDataset:
    """Read problems with their solutions; in scored splits, a solution needs a final answer."""
    chosen = {split: list(rows) for split, rows in splits.items()}
    if validated is not None:
        chosen["validation"] = _drawn(chosen["validation"], validated)
    examples = {split: bad.good(rows, _learned if split == "train" else _scored) for split, rows in chosen.items()}
    kept = [each for each in examples["train"] if max_characters is None or _characters(each) <= max_characters]
    left_out = len(examples["train"]) - len(kept)
    notes = (
        [f"left out {counted(left_out, 'training problem')} of more than {max_characters} characters"]
        if left_out
        else []
    )
    examples["train"] = kept
    return generation.dataset(examples, notes=notes, separator="", chat=False, right=is_right, **options)


def _learned(row: Row) -> GenerationExample:
    return replace(_unanswered(row), target=values.text(row, "solution"))


def _unanswered(row: Row, _: object = None) -> GenerationExample:
    return GenerationExample(PROMPT.format(values.text(row, "question")), "")


def _scored(row: Row) -> GenerationExample:
    example = _learned(row)
    if final_answer(example.target) is None:
        raise values.wrong(row, "solution", f"a text with {WANTED}")
    return example


def _characters(example: GenerationExample) -> int:
    """The number of characters of a problem and its solution with a space between, without the prompt's own text."""
    return len(example.prompt) - len(PROMPT.format("")) + 1 + len(example.target)


def _drawn(rows: Sequence[Row], wanted: int) -> list[Row]:
    """The first rows of a shuffle by NumPy's legacy generator, seed 0."""
    order = np.random.RandomState(0).permutation(len(rows))
    return [rows[i] for i in order[:wanted]]


TASK = Task(
    head="generation",
    columns={"question": ("query", "question", "problem"), "solution": ("response", "answer", "solution")},
    text=text,
    read=read,
    inputs=Inputs(("question",), _unanswered, text="question", sample="What is 2 + 3?"),
    options=MathOptions,
    metrics=("final_answer_accuracy",),
    baselines=("nearest_answer",),
    defaults={
        "model": {"name": SMOLLM2},
        "train": {"epochs": 2, "batch_size": 16, "micro_batch_size": 4, "max_length": 768},
        "evaluate": {"batch_size": 32},
    },
)
