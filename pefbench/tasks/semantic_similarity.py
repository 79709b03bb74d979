"""Semantic similarity: score how similar in meaning two sentences are.

As in STS-B (Cer et al. 2017, arXiv:1708.00055; scores from 0 to 5) and SICK (Marelli et al. 2014; from 1 to 5). Any
scale will do: scores are standardised for training, by the training examples in use (`train.max_examples`), and answers
are on the scale of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.heads.examples import RegressionExample
from pefbench.heads.regression import RegressionDataset
from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, values
from pefbench.tasks.reading.columns import FIRST, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> RegressionDataset:
    """Read pairs and their scores. Raises DataError for a split whose scores are hidden."""
    examples = {split: bad.good(rows, _example) for split, rows in splits.items()}
    learned = {example.score for example in examples["train"]}
    for split, found in examples.items():
        scores = {example.score for example in found}
        if learned and len(scores) == 1 and not min(learned) <= min(scores) <= max(learned):
            raise DataError(
                f"{splits[split][0].file}: every score of the {split} split is {min(scores):g}, and train's are from "
                f"{min(learned):g} to {max(learned):g}; the scores of a benchmark's test set are often hidden: name "
                "its validation set as data.test"
            )
    return RegressionDataset(examples)


def _example(row: Row) -> RegressionExample:
    return RegressionExample(values.text(row, "text"), values.numeric(row, "score"), values.text(row, "pair"))


TASK = Task(
    head="regression",
    columns={
        "text": FIRST,
        "pair": SECOND,
        "score": ("score", "similarity_score", "similarity", "relatedness_score", "label"),
    },
    text=labels.text_of_both,
    read=read,
    metrics=("pearson", "spearman"),
    baselines=("mean_score", "word_overlap_score"),
    # No package has a data set of it: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 5, "batch_size": 16, "max_length": 128},
    },
)
