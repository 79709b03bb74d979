"""Natural language inference: say whether a hypothesis follows from a premise, contradicts it, or neither.

Three labels, as in SNLI (Bowman et al. 2015, arXiv:1508.05326) and MNLI (Williams et al. 2018, arXiv:1704.05426), or
two, as in RTE and QNLI of GLUE (Wang et al. 2019, arXiv:1804.07461). A single file is split by premise, because several
hypotheses are often written for one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, values
from pefbench.tasks.reading.columns import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.sequence import SequenceDataset
    from pefbench.sources import BadRows, Row

NO_GOLD_LABEL = (None, -1, "-1", "-")
"""Labels in data sets for pairs without agreement among annotators, or with a hidden test label."""


def premise(row: Mapping[str, Any]) -> str:
    """The premise, by which a single file is split."""
    return str(row["text"])


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read pairs and labels. Pairs without a gold label are left out and counted, as is usual.

    Raises DataError if no pair of a split has one.
    """
    kept = {split: [row for row in rows if _has_gold_label(row)] for split, rows in splits.items()}
    notes = []
    for split, rows in splits.items():
        if not kept[split]:
            raise DataError(
                f"{rows[0].file}: no pair of the {split} split has a label (null, -1 or -); the labels of a "
                "benchmark's test set are often hidden: name its validation set as data.test"
            )
        if len(kept[split]) < len(rows):
            left_out = len(rows) - len(kept[split])
            notes.append(f"{left_out} of {len(rows)} {split} pairs are left out: they have no gold label")
    dataset = labels.read(kept, bad, premise)
    return replace(dataset, notes=[*notes, *dataset.notes])


def _has_gold_label(row: Row) -> bool:
    value = values.whole(row.values["label"])
    return value not in NO_GOLD_LABEL


TASK = Task(
    head="sequence",
    columns={
        "text": FIRST,
        "pair": SECOND,
        "label": ("label", "gold_label", "entailment_label", "entailment_judgment"),
    },
    text=labels.text,
    group=premise,
    read=read,
    metrics=("accuracy", "macro_f1"),
    baselines=("majority", "hypothesis_only", "word_overlap"),
    # No package has a data set of it: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 3, "batch_size": 32, "max_length": 128},
    },
)
