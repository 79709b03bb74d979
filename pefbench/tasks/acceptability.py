"""Linguistic acceptability: say whether a sentence is one that a native speaker would accept.

As in CoLA (Warstadt et al. 2019, arXiv:1805.12471), scored by Matthews correlation, because seven of ten of its
sentences are acceptable.
"""

from __future__ import annotations

from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels

TASK = Task(
    head="sequence",
    columns={"text": ("sentence", "text"), "label": ("label", "acceptability", "acceptable")},
    text=labels.text,
    read=labels.read,
    metrics=("matthews", "accuracy"),
    baselines=("majority", "bag_of_words"),
    # No package has a data set of it: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 3, "batch_size": 32, "max_length": 64},
    },
)
