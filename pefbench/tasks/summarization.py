"""Summarization: say in one or a few sentences what a long text says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.heads.examples import GenerationExample
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, references, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row


class SummarizationOptions(generation.GenerationOptions):
    """How long a summary may become."""

    max_new_tokens: int = Field(
        32,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )


def text(values: Mapping[str, Any]) -> str:
    """The text to summarise."""
    return str(values["document"])


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, **options: Any) -> GenerationDataset:
    """Read texts with their summaries; only the beginning of a text that is too long is read."""
    examples = {split: bad.good(rows, _example) for split, rows in splits.items()}
    return generation.dataset(examples, keep="start", **options)


def _example(row: Row) -> GenerationExample:
    summaries, example = references.texts(row, "summary"), _unanswered(row)
    return replace(example, target=summaries[0], references=references.others(summaries), cluster=example.prompt)


def _unanswered(row: Row, _: object = None) -> GenerationExample:
    return GenerationExample(values.text(row, "document"), "", instruction="summarize: ")


TASK = Task(
    head="generation",
    columns={
        "document": ("document", "article", "dialogue", "text"),
        "summary": ("summary", "highlights", "abstract"),
    },
    several={"summary": references.several("summary", "highlights", "abstract", "reference")},
    text=text,
    read=read,
    inputs=Inputs(("document",), _unanswered, text="document"),
    options=SummarizationOptions,
    metrics=("rouge",),
    baselines=("lead_sentence", "nearest_answer"),
    defaults={
        "model": {"name": SMOLLM2},
        # Split by package, because docstrings of one package share phrases.
        "data": {
            "source": "wheel:networkx==3.6.1!networkx + wheel:pennylane==0.45.1!pennylane + "
            "wheel:seaborn==0.13.2!seaborn + wheel:optuna==5.0.0!optuna + wheel:control==0.10.2!control",
            "train": "networkx + pennylane",
            "validation": "seaborn + optuna",
            "test": "control",
            "format": "docstring_summaries",
            "repeats": "drop",
        },
        "train": {"epochs": 2, "batch_size": 16, "micro_batch_size": 8, "max_length": 192},
        "evaluate": {"batch_size": 32},
    },
)
