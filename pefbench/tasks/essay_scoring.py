"""Essay scoring: predict the score that human raters would give a text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import RegressionExample
from pefbench.heads.regression import RegressionDataset
from pefbench.tasks import Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


class EssayOptions(Options):
    """Which essays."""

    prompt: int | str | None = Field(
        None,
        description="the prompt whose essays are scored, where there are several with different score ranges (ASAP)",
    )


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, *, prompt: int | str | None) -> RegressionDataset:
    """Read the essays of one prompt and their scores. Raises DataError if there are several and none is named."""
    there = sorted({_prompt(row) for rows in splits.values() for row in rows})
    if len(there) > 1 and prompt is None:
        raise DataError(
            f"{splits['train'][0].file}: essays on {len(there)} prompts, whose scores cannot be compared: "
            f"{', '.join(there)}; choose one with options.prompt"
        )
    if prompt is not None and str(prompt) not in there:
        raise DataError(f"options.prompt: no essay is on the prompt {str(prompt)!r}; there are: {', '.join(there)}")
    kept = {
        split: [row for row in rows if prompt is None or _prompt(row) == str(prompt)] for split, rows in splits.items()
    }
    return RegressionDataset({split: bad.good(rows, _example) for split, rows in kept.items()})


def _prompt(row: Row) -> str:
    return str(values.whole(row.values["prompt"]))


def _example(row: Row) -> RegressionExample:
    text = row.values["text"]
    if isinstance(text, str):
        row = replace(row, values=row.values | {"text": _unquoted(text)})
    return RegressionExample(values.text(row, "text"), values.numeric(row, "score"), labels.pair(row))


def _unquoted(text: str) -> str:
    """A text without the quotes around most of ASAP's essays, and with inner quotes no longer doubled.

    A text counts as quoted if every inner quote is doubled, as in RFC 4180.
    """
    if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):
        return text
    inside = text[1:-1]
    return text if '"' in inside.replace('""', "") else inside.replace('""', '"')


TASK = Task(
    head="regression",
    columns={
        "text": ("text", "essay", "full_text"),
        "pair": (),
        "score": ("score", "domain1_score", "label"),
        "prompt": ("prompt", "essay_set", "prompt_name"),
    },
    optional=("prompt",),
    later=("pair",),
    text=labels.text,
    read=read,
    options=EssayOptions,
    metrics=("pearson", "quadratic_kappa"),
    baselines=("mean_score", "bag_of_words_score"),
    text_format="tsv",
    # The essays' licences do not allow redistribution: a recipe or -o data.source names them.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 5, "batch_size": 8, "max_length": 256},
    },
)
