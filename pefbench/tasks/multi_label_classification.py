"""Multi-label classification: say which labels a text has: several, one or none.

As in GoEmotions (Demszky et al. 2020, arXiv:2005.00547), topics of news, or kinds of toxic comments. Each label is
decided independently, by a sigmoid. Scored by F1 over labels (macro), over decisions (micro) and over texts (samples),
and by subset accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import PydanticCustomError

from pefbench.sources import unnest
from pefbench.tasks import Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import label_sets, labels, vectors
from pefbench.tasks.reading.columns import found_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources import Rows

LABELS = ("labels", "label", "topics", "tags", "categories", "genres", "emotions")
"""Usual names of the column of labels."""


class MultiLabelOptions(Options):
    """How labels are written, and from which probability one is given."""

    separator: str | None = Field(
        None,
        min_length=1,
        description="separator of the labels in a cell: comma, semicolon, pipe, tab, space, or the text itself; "
        "none: each cell is one label; null: detected",
    )
    thresholds: Literal["per-label"] | Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5,
        description="probability from which a label is predicted; per-label: for each label, the one with its best "
        "F1 on validation",
    )

    @field_validator("thresholds", mode="wrap")
    @classmethod
    def _say_both(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        """Give one message about both alternatives instead of pydantic's message about each."""
        try:
            return check(value)
        except ValidationError:
            raise PydanticCustomError("thresholds", "should be per-label, or a number above 0 and below 1") from None


def reshape(table: Rows, named: Mapping[str, Any]) -> Rows:
    """Turn labels that are vectors of 0 and 1 into label numbers; leave other tables unchanged."""
    name = named.get("labels")
    if isinstance(name, list):
        return table
    nested = table if name is None else unnest(table, [str(name)])
    for column in found_columns(LABELS if name is None else [name], nested.columns)[:1]:
        numbered = vectors.as_numbers(nested, column)
        return table if numbered is nested else numbered
    return table


TASK = Task(
    head="multi_label",
    columns={
        "text": ("text", "sentence", "comment_text", "Tweet", "tweet", "comment", "content", "document", "title"),
        "pair": (),
        "labels": LABELS,
    },
    later=("pair",),
    several={"labels": label_sets.COLUMNS},
    text=labels.text,
    reshape=reshape,
    read=label_sets.read,
    options=MultiLabelOptions,
    metrics=("multi_label_f1", "subset_accuracy"),
    baselines=("frequent_label_set", "nearest_label_set"),
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 5, "batch_size": 16, "max_length": 128},
    },
)
