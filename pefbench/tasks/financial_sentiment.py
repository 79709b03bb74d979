"""Financial sentiment: say whether news is good, bad or neither for the company that it is about.

If the rows name the company, it is the second text of a pair: news about two companies may be good for one and bad for
the other (Cortis et al. 2017, SemEval-2017 task 5).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pefbench.heads.examples import SequenceExample
from pefbench.heads.sequence import SequenceDataset
from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, ratings, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

NEUTRAL = 0.1
"""Ratings at most this far from 0, on a scale from -1 to 1, are neutral."""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read labels unchanged; ratings from -1 to 1 become the label of their sign, or neutral near 0."""
    if not ratings.are_ratings(splits):
        return SequenceDataset(*labels.examples(splits, bad, _example))
    rated = {split: bad.good(rows, ratings.rating) for split, rows in splits.items()}
    ratings.check_signs(rated["train"])
    named = {split: [_named(*each) for each in rows] for split, rows in rated.items()}
    note = f"labels are the signs of ratings, neutral within {NEUTRAL} of 0"
    examples, names, notes = labels.examples(named, bad, _example)
    return SequenceDataset(examples, names, [note, *notes])


def _example(row: Row) -> SequenceExample:
    company = row.values["company"]
    if company is not None and not (isinstance(company, str) and company.strip()):
        raise values.wrong(row, "company", "a name")
    text = values.text(row, "text")
    return SequenceExample(text, labels.label(row), company, cluster=text if company else "")


def _named(row: Row, rating: float) -> Row:
    label = "neutral" if abs(rating) <= NEUTRAL else "positive" if rating > 0 else "negative"
    return replace(row, values=row.values | {"label": label})


TASK = Task(
    head="sequence",
    columns={
        "text": ("text", "sentence", "title", "headline"),
        "label": ("label", "sentiment"),
        "company": ("company",),
    },
    optional=("company",),
    text=labels.text,
    read=read,
    metrics=("macro_f1", "accuracy"),
    baselines=("majority", "bag_of_words"),
    # No free data set is a sound default: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 8, "batch_size": 16, "max_length": 64},
    },
)
