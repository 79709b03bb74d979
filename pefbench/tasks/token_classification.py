"""Token classification: label each word of a sentence, for example with its part of speech.

Tags are plain labels, without a scheme. For names of several words, which begin and end somewhere, use `ner`.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import TokenDataset
from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import tagged
from pefbench.tasks.reading.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> TokenDataset:
    """Read words and tags; the labels are those of the training split. Raises DataError unless there are two."""
    train = bad.good(splits["train"], _example)
    taught = Counter(tag for example in train for tag in example.tags)
    if not taught:
        raise DataError(f"no training sentence is left{'; ' if bad.found else ''}{bad.told}")
    if len(taught) < 2:
        shown = ", ".join(taught)
        raise DataError(f"{splits['train'][0].file}: every training word has the tag {shown!r}; two are needed")
    unseen = Unseen(taught, bad, "tags")

    def known(row: Row, split: str) -> TokenExample:
        example = _example(row)
        first = next((at for at, tag in enumerate(example.tags) if tag not in taught), 0)
        unseen.count_or_refuse(example.tags, split, row.at(first), row.name("tags"))
        return example

    others = {split: bad.good(rows, partial(known, split=split)) for split, rows in splits.items() if split != "train"}
    return TokenDataset({split: others.get(split, train) for split in splits}, unseen.known, unseen.notes)


def _example(row: Row) -> TokenExample:
    tokens, tags = tagged.tokens_and_tags(row, numbers=True)
    return TokenExample(tuple(tokens), tuple(tags))


TASK = Task(
    head="token",
    columns={
        **tagged.COLUMNS,
        "tokens": (*tagged.COLUMNS["tokens"], "form"),
        "tags": ("pos_tags", "upos", "tags", "labels", "POS", "pos", "Tag", "tag", "label", -1),
    },
    optional=("sentence",),
    gather_by="sentence",
    text=tagged.text,
    read=read,
    metrics=("token_report",),
    baselines=("word_tags",),
    text_format="conll",
    # No corpus of tagged words is available from a package index: a recipe or -o data.source names one.
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 3, "batch_size": 16, "max_length": 128},
    },
)
