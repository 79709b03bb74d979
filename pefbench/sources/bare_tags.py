"""Tags that say the same as those of a scheme, written otherwise.

- ``B_PER`` and ``PER-B`` are B-PER, and so is ``b-per`` beside ``o``.
- ``B`` and ``I`` alone, as in BioBERT's corpora of one type each, are those of one type, which gets a name here.
- Types alone, ``person-actor``, as in Few-NERD and Stanford NER: the scheme IO, in which neighbours are one entity.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTSIDE = "O"
ONE_TYPE = "ENTITY"
"""The type of entities whose tags name none."""
PREFIXED = re.compile("[BIESLU]-.*", re.DOTALL)
WAYS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile("([BIESLU])[_:/.](.+)"), lambda tag: f"{tag[1]}-{tag[2]}"),
    (re.compile("(.+)[-_]([BIESLU])"), lambda tag: f"{tag[2]}-{tag[1]}"),
    (re.compile("([biesluBIESLU])-(.+)"), lambda tag: f"{tag[1].upper()}-{tag[2]}"),
    (re.compile("[BIESLU]"), lambda tag: f"{tag[0]}-{ONE_TYPE}"),
)
"""How tags may be written, and what each of them is in a scheme: a data set is of one of these."""


class Rewritten(NamedTuple):
    """Tags as a scheme has them, and a note of what was done."""

    tags: list[list[str]]
    note: str


def in_scheme(sentences: Sequence[Sequence[str]]) -> Rewritten | None:
    """The tags of a data set as a scheme has them; None for those that are, and for what is in no way clear."""
    counts = Counter(tag for tags in sentences for tag in tags)
    inside = [tag for tag in counts if tag not in (OUTSIDE, OUTSIDE.lower())]
    if not all(counts) or all(PREFIXED.fullmatch(tag) for tag in counts if tag != OUTSIDE):
        return None
    meaning = _meaning(inside) or _types_alone(inside, counts)
    if meaning is None:
        return None
    meaning |= {OUTSIDE.lower(): OUTSIDE}
    changed = [tag for tag, _ in counts.most_common() if meaning.get(tag, tag) != tag]
    number, first = sum(counts[tag] for tag in changed), changed[0]
    note = f"{number:,} tags such as {first[:40]!r} are read as {meaning[first][:40]!r}"
    return Rewritten([[meaning.get(tag, tag) for tag in tags] for tags in sentences], note)


def _meaning(inside: Sequence[str]) -> dict[str, str] | None:
    """What each tag is in a scheme, where all are written in one way."""
    for way, becomes in WAYS:
        found = {tag: becomes(match) for tag in inside if (match := way.fullmatch(tag))}
        if len(found) == len(inside):
            return found
    return None


def _types_alone(inside: Sequence[str], counts: Counter[str]) -> dict[str, str] | None:
    """Types as tags of IO, where most words are outside of all of them: parts of speech have no such tag."""
    if counts.most_common(1)[0][0] != OUTSIDE or any(PREFIXED.fullmatch(tag) for tag in inside):
        return None
    return {tag: f"I-{tag}" for tag in inside}
