"""Tag schemes of entity tagging: detects a data set's scheme and converts it to IOB2.

Every entity is a run of tokens of one type; the schemes differ in how they mark its beginning and end:

- IOB2: ``B-`` on the first token, ``I-`` on the others.
- IOB1: ``I-`` everywhere, ``B-`` only if an entity directly follows another of the same type. CoNLL-2003's own files
  use it (Ramshaw and Marcus 1995).
- IO: ``I-`` everywhere; adjacent entities of the same type cannot be separated.
- IOBES: like IOB2, with ``E-`` on the last token and ``S-`` on an entity of one token.
- BILOU: IOBES with the letters ``L-`` and ``U-`` (Ratinov and Roth 2009).

The beginning of an entity is always clear, even if a file deviates from its scheme: at B- or S-, at a tag of another
type than the one before, and after E- or S-. seqeval reads tags that break their scheme in the same way
(`get_entities`, its default). CoNLL-2003's own training file deviates from IOB1 at two of its 23,499 entities.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Where = Callable[[int, int], str]
    Place = tuple[int, int]
    Tag = tuple[str, str]  # prefix and entity type; ("O", "") outside

SCHEMES = ("IOB1", "IOB2", "IOBES", "BILOU", "IO")
OUTSIDE = "O"
_CANONICAL = {"L": "E", "U": "S"}  # BILOU's letters -> those of IOBES


class Stray(NamedTuple):
    """A tag that deviates from the scheme of its data set. fault: what is wrong, and where."""

    sentence: int
    token: int
    fault: str


class Tagging(NamedTuple):
    """Tags in IOB2, their original scheme (one of `SCHEMES`), and where they deviate from it."""

    tags: list[list[str]]
    scheme: str
    strays: list[Stray]


def to_iob2(sentences: Sequence[Sequence[str]], where: Where, *, strict: bool = False) -> Tagging:
    """Convert the tags of all sentences of a data set together: a few sentences may not show the scheme.

    where(sentence, token): the place of a tag, as "file:line", for error messages. Tags without any entity count as
    IOB2. If there are only I- and O, the scheme is IO; IOB1 without adjacent entities looks the same. For a mix of IOB1
    and IOB2, the majority of entities decides. strict: the first stray is an error.

    Raises DataError for a tag of no known scheme, and for IOBES mixed with BILOU.
    """
    known: dict[str, Tag] = {}
    for row, tags in enumerate(sentences):
        for column, tag in enumerate(tags):
            if tag not in known:
                known[tag] = _parse(tag, where, (row, column))
    parsed = [[known[tag] for tag in tags] for tags in sentences]
    scheme = _detect(parsed, where)
    find_strays = _strays_of_iobes if scheme in {"IOBES", "BILOU"} else _strays_of_iob
    strays = list(find_strays(parsed, scheme, where))
    if strict and strays:
        raise DataError(strays[0].fault)
    return Tagging([_as_iob2(tags) for tags in parsed], scheme, strays)


def entity_types(sentences: Iterable[Sequence[str]]) -> list[str]:
    """The entity types of IOB2 tags, sorted."""
    return sorted({tag.partition("-")[2] for tags in sentences for tag in tags if tag != OUTSIDE})


def labels(sentences: Iterable[Sequence[str]]) -> list[str]:
    """``O``, then ``B-X`` and ``I-X`` for each entity type X of IOB2 tags, sorted by type.

    Both are included even if the data has only one of them, so that every entity can be predicted.
    """
    return [OUTSIDE, *(f"{prefix}-{kind}" for kind in entity_types(sentences) for prefix in "BI")]


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities of one sentence as (type, start, end), `end` exclusive, in order.

    Strict IOB2, as in seqeval: an I- that does not continue an entity of its own type belongs to no entity.
    """
    found: list[tuple[str, int, int]] = []
    start, kind = 0, ""
    for position, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, next_kind = tag.partition("-")
        if prefix == "I" and kind and next_kind == kind:
            continue
        if kind:
            found.append((kind, start, position))
        start, kind = position, next_kind if prefix == "B" else ""
    return found


def _parse(tag: str, where: Where, place: Place) -> Tag:
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, hyphen, kind = tag.partition("-")
    expected = f"known schemes: {', '.join(SCHEMES)}, with tags such as O, B-PER or I-PER"
    if not hyphen:
        raise DataError(f"tag {tag!r} at {where(*place)} has no prefix; {expected}")
    if prefix not in {"B", "I", "E", "S", "L", "U"}:
        raise DataError(f"tag {tag!r} at {where(*place)} has the unknown prefix {prefix!r}; {expected}")
    if not kind:
        raise DataError(f"tag {tag!r} at {where(*place)} has no entity type; {expected}")
    if kind != kind.strip("-"):  # seqeval strips hyphens and would merge two types
        raise DataError(f"tag {tag!r} at {where(*place)} has an entity type that begins or ends with a hyphen")
    return prefix, kind


def _detect(sentences: list[list[Tag]], where: Where) -> str:
    seen: dict[str, Place] = {}  # the first place of each prefix
    for place, _, (prefix, _) in _walk(sentences):
        seen.setdefault(prefix, place)
    iobes, bilou = next((p for p in "ES" if p in seen), None), next((p for p in "LU" if p in seen), None)
    if iobes and bilou:
        raise _mixed(("IOBES", "BILOU"), (f"{iobes}-", f"{bilou}-"), (seen[iobes], seen[bilou]), where)
    if iobes or bilou:
        return "IOBES" if iobes else "BILOU"
    return "IO" if "I" in seen and "B" not in seen else _iob1_or_iob2(sentences)


def _iob1_or_iob2(sentences: list[list[Tag]]) -> str:
    """Decide by how most entities begin that do not directly follow one of the same type."""
    begins = Counter(prefix for _, (_, before), (prefix, kind) in _walk(sentences) if kind and kind != before)
    return "IOB1" if begins["I"] > begins["B"] else "IOB2"


def _strays_of_iob(sentences: list[list[Tag]], scheme: str, where: Where) -> Iterator[Stray]:
    """The entities that begin as in the other scheme."""
    expected = {"IOB1": "I", "IO": "I", "IOB2": "B"}[scheme]
    for (row, column), (_, kind_before), (prefix, kind) in _walk(sentences):
        if kind and kind != kind_before and prefix != expected:
            tag, right = f"{prefix}-{kind}", f"{expected}-{kind}"
            fault = f"tag {tag!r} at {where(row, column)} begins an entity; in {scheme}, as most of the tags are, "
            yield Stray(row, column, f"{fault}that is {right!r}")


def _walk(sentences: list[list[Tag]]) -> Iterator[tuple[Place, Tag, Tag]]:
    """For each tag: its place, the previous tag in the sentence (O at the start), and the tag."""
    for row, tags in enumerate(sentences):
        before: Tag = (OUTSIDE, "")
        for column, tag in enumerate(tags):
            yield (row, column), before, tag
            before = tag


def _mixed(schemes: tuple[str, str], signs: tuple[str, str], places: tuple[Place, Place], where: Where) -> DataError:
    signs_at = " and ".join(f"{sign} at {where(*place)}" for sign, place in zip(signs, places, strict=True))
    return DataError(f"tags mix {' and '.join(schemes)}: {signs_at}; all files of a data set need the same scheme")


def _strays_of_iobes(sentences: list[list[Tag]], scheme: str, where: Where) -> Iterator[Stray]:
    """The tags of IOBES or BILOU that continue no entity, and the last tags of entities that are not closed."""
    for row, tags in enumerate(sentences):
        open_kind = ""
        for column, (prefix, kind) in enumerate([*tags, (OUTSIDE, "")]):
            role = _CANONICAL.get(prefix, prefix)
            if role in {"I", "E"} and kind != open_kind:
                fault = f"tag '{prefix}-{kind}' at {where(row, column)} continues no entity of type {kind}; "
                yield Stray(row, column, f"{fault}{scheme} begins one of several tokens with B-")
            elif open_kind and role in {"O", "B", "S"}:
                yield Stray(row, column - 1, _unfinished(open_kind, scheme, where(row, column - 1)))
            open_kind = kind if role in {"B", "I"} else ""


def _unfinished(kind: str, scheme: str, place: str) -> str:
    last, single = ("L", "U") if scheme == "BILOU" else ("E", "S")
    return (
        f"entity of type {kind} at {place} is not closed; {scheme} ends one with {last}-, or writes {single}- for "
        f"a single token"
    )


def _as_iob2(tags: list[Tag]) -> list[str]:
    """Convert one sentence of any scheme, even if it deviates from the scheme."""
    converted = []
    before, is_ended = "", False
    for prefix, kind in tags:
        role = _CANONICAL.get(prefix, prefix)
        begins = role in {"B", "S"} or kind != before or is_ended
        converted.append(f"{'B' if begins else 'I'}-{kind}" if kind else OUTSIDE)
        before, is_ended = kind, role in {"E", "S"}
    return converted
