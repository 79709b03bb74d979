"""Paraphrase identification: say whether two sentences mean the same, or two questions ask the same.

As in MRPC (Dolan and Brockett 2005) and Quora's question pairs, both in GLUE (Wang et al. 2019, arXiv:1804.07461), and
in PAWS (Zhang et al. 2019, arXiv:1904.01130). Whatever a data set calls its two labels, they are read as `paraphrase`
and `not_paraphrase`, so that F1 is always that of paraphrases.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import SequenceExample
from pefbench.heads.sequence import SequenceDataset
from pefbench.tasks import Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, values
from pefbench.tasks.reading.columns import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

YES, NO = "paraphrase", "not_paraphrase"
POSITIVE = (YES, "equivalent", "duplicate", "1", "true", "yes")
NEGATIVE = (NO, "not_equivalent", "not_duplicate", "0", "false", "no")
"""Labels of paraphrases and of other pairs in data sets; case does not matter."""


class ParaphraseOptions(Options):
    """The meaning of the labels."""

    positive: str | None = Field(
        None, description="the label of paraphrases, unless it is a usual one such as duplicate or '1'"
    )


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, *, positive: str | None) -> SequenceDataset:
    """Read pairs and whether they are paraphrases. Raises DataError if no row has the label `positive`."""
    if positive is not None and not any(_is(row, positive) for row in splits["train"]):
        raise DataError(f"options.positive: no row of the train split has the label {positive!r}")
    return SequenceDataset(*labels.examples(splits, bad, partial(_example, positive=positive)))


def _is(row: Row, label: str) -> bool:
    return str(values.whole(row.values["label"])).strip() == label


def _example(row: Row, *, positive: str | None) -> SequenceExample:
    return SequenceExample(values.text(row, "text"), _label(labels.label(row), row, positive), labels.pair(row))


def _label(found: str, row: Row, positive: str | None) -> str:
    """`paraphrase` or `not_paraphrase` for a label. Raises DataError for an unknown label."""
    if positive is not None:
        return YES if found == positive else NO
    if found.casefold() in POSITIVE:
        return YES
    if found.casefold() in NEGATIVE:
        return NO
    usual = f"{', '.join(POSITIVE)} or {', '.join(NEGATIVE)} (or options.positive says which one means a paraphrase)"
    raise values.wrong(row, "label", usual)


TASK = Task(
    head="sequence",
    columns={
        "text": FIRST,
        "pair": SECOND,
        "label": ("label", "is_duplicate", "is_paraphrase", "Quality"),
    },
    text=labels.text_of_both,
    read=read,
    options=ParaphraseOptions,
    metrics=("accuracy", {"name": "f1", "positive": YES}),
    baselines=("majority", "word_overlap"),
    # No package has a data set of it: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 3, "batch_size": 32, "max_length": 128},
    },
)
