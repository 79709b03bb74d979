"""Other spellings of the tags of a scheme.

- ``B_PER`` and ``PER-B`` mean B-PER, and so does ``b-per`` if outside is ``o``.
- ``B`` and ``I`` alone, as in BioBERT's corpora with a single type, get the type `ONE_TYPE`.
- Types without a prefix, ``person-actor``, as in Few-NERD and Stanford NER: scheme IO, adjacent words are one entity.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTSIDE = "O"
ONE_TYPE = "ENTITY"
"""The type of entities whose tags do not name one."""
PREFIXED = re.compile("[BIESLU]-.*", re.DOTALL)
WAYS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile("([BIESLU])[_:/.](.+)"), lambda tag: f"{tag[1]}-{tag[2]}"),
    (re.compile("(.+)[-_]([BIESLU])"), lambda tag: f"{tag[2]}-{tag[1]}"),
    (re.compile("([biesluBIESLU])-(.+)"), lambda tag: f"{tag[1].upper()}-{tag[2]}"),
    (re.compile("[BIESLU]"), lambda tag: f"{tag[0]}-{ONE_TYPE}"),
)
"""The known spellings of tags, each with its translation; a data set uses one of them."""


class Rewritten(NamedTuple):
    """Tags translated to a scheme, and a note about it."""

    tags: list[list[str]]
    note: str


def in_scheme(sentences: Sequence[Sequence[str]]) -> Rewritten | None:
    """Translate the tags of a data set to a scheme; None if they already follow one or have no clear translation."""
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
    """Tag -> its translation, if all tags share one spelling."""
    for way, becomes in WAYS:
        found = {tag: becomes(match) for tag in inside if (match := way.fullmatch(tag))}
        if len(found) == len(inside):
            return found
    return None


def _types_alone(inside: Sequence[str], counts: Counter[str]) -> dict[str, str] | None:
    """Types as tags of IO, if most words are outside; for parts of speech, they are not."""
    if counts.most_common(1)[0][0] != OUTSIDE or any(PREFIXED.fullmatch(tag) for tag in inside):
        return None
    return {tag: f"I-{tag}" for tag in inside}
