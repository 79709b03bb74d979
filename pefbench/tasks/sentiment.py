"""Sentiment classification: say whether a text is positive or negative, from labels or from ratings."""

from __future__ import annotations

from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, polarity

TASK = Task(
    head="sequence",
    columns={
        "text": ("text", "sentence", "review", "content", "tweet"),
        "pair": (),
        "label": ("label", "sentiment", "polarity"),
    },
    later=("pair",),
    text=labels.text,
    read=polarity.read,
    metrics=("accuracy", "macro_f1"),
    baselines=("majority", "bag_of_words"),
    text_format="tsv",
    defaults={
        "model": {"name": MINILM},
        "data": {"source": polarity.FILM_REVIEWS},
        "train": {"epochs": 2, "batch_size": 32, "max_length": 64},
    },
)
