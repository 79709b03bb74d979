"""Relation extraction: say how two marked entities in a sentence are related, and in which direction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.examples import MarkedExample
from pefbench.heads.marked import MarkedDataset
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import labels, related, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.examples import Span
    from pefbench.sources import BadRows, Row

TAG = re.compile(r"</?e[12]>")
TAGS = ("<e1>", "</e1>", "<e2>", "</e2>")


def text(values: Mapping[str, Any]) -> str:
    """The sentence without tags: it is the same sentence whichever entities are marked."""
    return TAG.sub("", labels.text(values))


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> MarkedDataset:
    """Read sentences whose entities are marked by tags, ``<e1>``, ``<e2>``, or given by character offsets."""
    return MarkedDataset(*labels.examples(splits, bad, _example))


def _example(row: Row) -> MarkedExample:
    label = labels.label(row)
    return MarkedExample(*_marked(row), label, cluster=text(row.values))


def _unanswered(row: Row, _: object) -> MarkedExample:
    return MarkedExample(*_marked(row), "")


def _marked(row: Row) -> tuple[str, Span, Span]:
    """A row's sentence without tags, and its two entities. Raises DataError."""
    text = values.text(row, "text")
    if row.values["first"] is None and row.values["second"] is None:
        plain, first, second = _tagged(text, row)
    else:
        plain, first, second = text, _span(row, "first", text), _span(row, "second", text)
    if first[0] < second[1] and second[0] < first[1]:
        raise DataError(f"{row.where}: the two entities overlap: {plain[slice(*first)]!r}, {plain[slice(*second)]!r}")
    return plain, first, second


def _tagged(text: str, row: Row) -> tuple[str, Span, Span]:
    """A sentence without its tags, and the offsets of its entities."""
    found = list(TAG.finditer(text))
    at = {match[0]: match.start() - sum(len(tag[0]) for tag in found[:i]) for i, match in enumerate(found)}
    if len(found) != len(TAGS) or len(at) != len(TAGS):
        raise DataError(f"{row.where}: should hold each of {', '.join(TAGS)} once, or have columns first and second")
    for start, end in (TAGS[:2], TAGS[2:]):
        if at[start] >= at[end]:
            raise DataError(f"{row.where}: no words between {start} and {end}")
    return TAG.sub("", text), (at["<e1>"], at["</e1>"]), (at["<e2>"], at["</e2>"])


def _span(row: Row, column: str, text: str) -> Span:
    """An entity's character offsets. Raises DataError unless they are two numbers within the sentence."""
    span = row.values[column]
    if not (
        isinstance(span, list | tuple)
        and len(span) == 2
        and all(type(each) is int for each in span)
        and 0 <= span[0] < span[1] <= len(text)
    ):
        wanted = f"an entity's first character and the one after its last, of {len(text)} characters"
        raise values.wrong(row, column, wanted)
    return span[0], span[1]


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
    reshape=related.per_relation,
    read=read,
    inputs=Inputs(
        ("text", "first", "second"),
        _unanswered,
        optional=("first", "second"),
        text="text",
        sample="<e1>Ada</e1> went to <e2>Oslo</e2>.",
    ),
    metrics=("relation_f1", "accuracy"),
    baselines=("majority", "bag_of_words"),
    text_format="semeval",
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 6, "batch_size": 16, "max_length": 128},
    },
)
