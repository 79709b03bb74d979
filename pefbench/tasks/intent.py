"""Intent classification: say what somebody wants from an assistant or a help desk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.sequence import SequenceDataset
    from pefbench.sources import BadRows, Row


OUT_OF_SCOPE = "oos"
"""CLINC150's label of texts that have none of the intents; if it is learned, answers include its probability."""


def template(values: Mapping[str, Any]) -> str:
    """The template of a sentence, or else the sentence."""
    return str(values["template"] or labels.text(values))


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> SequenceDataset:
    """Read texts and intents. For sentences from templates, intents without a template in training are left out."""
    taught = {str(row.values["label"]).strip() for row in splits["train"]}
    kept = {split: [row for row in rows if _is_taught(row, taught)] for split, rows in splits.items()}
    notes = [
        f"{len(rows) - len(kept[split])} of {len(rows)} {split} sentences are left out: "
        "no template of their intent is in train"
        for split, rows in splits.items()
        if len(kept[split]) < len(rows)
    ]
    dataset = labels.read(kept, bad, template)
    return replace(
        dataset, notes=[*notes, *dataset.notes], outside=OUT_OF_SCOPE if OUT_OF_SCOPE in dataset.labels else None
    )


def _is_taught(row: Row, taught: set[str]) -> bool:
    return row.values["template"] is None or str(row.values["label"]).strip() in taught


TASK = Task(
    head="sequence",
    columns={
        "text": ("text", "utterance", "sentence", "query"),
        "pair": (),
        "label": ("label", "intent", "category"),
        "template": ("template",),
    },
    optional=("template",),
    later=("pair",),
    text=labels.text,
    group=template,
    read=read,
    metrics=("accuracy", "macro_f1"),
    baselines=("majority", "bag_of_words"),
    defaults={
        "model": {"name": MINILM},
        "data": {
            "source": "wheel:home-assistant-intents==2026.10.27!home_assistant_intents/data/en.json",
            "format": "home_assistant",
        },
        "train": {"epochs": 8, "batch_size": 16, "max_length": 64},
    },
)
