"""Tag schemes for entity tagging: find the one that a data set uses, and turn it into IOB2.

Every entity is a run of tokens of one type; the schemes differ in how they mark where it begins and ends:

- IOB2: ``B-`` on the first token, ``I-`` on the others.
- IOB1: ``I-`` everywhere, ``B-`` only where an entity follows another of the same type directly.
  CoNLL-2003's own files are written so (Ramshaw and Marcus 1995).
- IO: ``I-`` everywhere; neighbours of the same type cannot be told apart.
- IOBES: as IOB2, with ``E-`` on the last token and ``S-`` on an entity of one token.
- BILOU: IOBES with the letters ``L-`` and ``U-`` (Ratinov and Roth 2009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Where = Callable[[int, int], str]
    Place = tuple[int, int]
    Tag = tuple[str, str]  # prefix and entity type; ("O", "") outside

SCHEMES = ("IOB1", "IOB2", "IOBES", "BILOU", "IO")
OUTSIDE = "O"
_CANONICAL = {"L": "E", "U": "S"}  # BILOU's letters in IOBES's


def to_iob2(sentences: Sequence[Sequence[str]], where: Where) -> tuple[list[list[str]], str]:
    """The tags in IOB2, and the name of the scheme they were in (one of `SCHEMES`).

    Give all sentences of a data set at once: a few alone may not show which scheme it is.
    `where(sentence, token)` names the place of a tag, as "file:line", for the error messages.
    Tags without any entity count as IOB2. Only I- and O is IO, which IOB1 without neighbours also looks like.

    Raises DataError for a tag that no scheme knows, for schemes that are mixed, and for a broken IOBES or BILOU
    sequence.
    """
    parsed = [
        [_parse(tag, where, (row, column)) for column, tag in enumerate(tags)] for row, tags in enumerate(sentences)
    ]
    scheme = _detect(parsed, where)
    if scheme in {"IOBES", "BILOU"}:
        for row, tags in enumerate(parsed):
            _check_closed(tags, scheme, where, row)
    return [_as_iob2(tags) for tags in parsed], scheme


def entity_types(sentences: Iterable[Sequence[str]]) -> list[str]:
    """The entity types of IOB2 tags, sorted."""
    return sorted({tag.partition("-")[2] for tags in sentences for tag in tags if tag != OUTSIDE})


def labels(sentences: Iterable[Sequence[str]]) -> list[str]:
    """``O``, then ``B-X`` and ``I-X`` for each entity type X of IOB2 tags, sorted by type.

    Both are there even where the data has only one of them, so that every entity can be predicted.
    """
    return [OUTSIDE, *(f"{prefix}-{kind}" for kind in entity_types(sentences) for prefix in "BI")]


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities of one sentence as (type, start, end), `end` exclusive, in order.

    Strict IOB2, as in seqeval: an I- that does not continue an entity of its own type belongs to none.
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
    if kind != kind.strip("-"):  # seqeval strips them, and would take two types for one
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
    return "IO" if "I" in seen and "B" not in seen else _iob1_or_iob2(sentences, where)


def _iob1_or_iob2(sentences: list[list[Tag]], where: Where) -> str:
    """Tell them apart by how entities begin that do not follow one of the same type."""
    begins: dict[str, Place] = {}
    for place, (_, kind_before), (prefix, kind) in _walk(sentences):
        if kind and kind != kind_before:
            begins.setdefault(prefix, place)
    if len(begins) == 2:
        signs = "an entity begins with I-", "one begins with B-"
        raise _mixed(("IOB1", "IOB2"), signs, (begins["I"], begins["B"]), where)
    return "IOB1" if "I" in begins else "IOB2"


def _walk(sentences: list[list[Tag]]) -> Iterator[tuple[Place, Tag, Tag]]:
    """Yield each tag's place, the tag before it in the sentence (O at its start), and the tag."""
    for row, tags in enumerate(sentences):
        before: Tag = (OUTSIDE, "")
        for column, tag in enumerate(tags):
            yield (row, column), before, tag
            before = tag


def _mixed(schemes: tuple[str, str], signs: tuple[str, str], places: tuple[Place, Place], where: Where) -> DataError:
    signs_at = " and ".join(f"{sign} at {where(*place)}" for sign, place in zip(signs, places, strict=True))
    return DataError(f"tags mix {' and '.join(schemes)}: {signs_at}; all files of a data set need the same scheme")


def _check_closed(tags: list[Tag], scheme: str, where: Where, row: int) -> None:
    """Raise DataError unless every entity of an IOBES or BILOU sentence is begun once and ended once."""
    open_kind = ""
    for column, (prefix, kind) in enumerate(tags):
        role = _CANONICAL.get(prefix, prefix)
        if role in {"I", "E"} and kind != open_kind:
            raise DataError(
                f"tag '{prefix}-{kind}' at {where(row, column)} continues no entity of type {kind}; "
                f"{scheme} begins one of several tokens with B-"
            )
        if role in {"O", "B", "S"} and open_kind:
            raise DataError(_unfinished(open_kind, scheme, where(row, column - 1)))
        open_kind = kind if role in {"B", "I"} else ""
    if open_kind:
        raise DataError(_unfinished(open_kind, scheme, where(row, len(tags) - 1)))


def _unfinished(kind: str, scheme: str, place: str) -> str:
    last, single = ("L", "U") if scheme == "BILOU" else ("E", "S")
    return (
        f"entity of type {kind} at {place} is not ended; "
        f"{scheme} ends one with {last}-, or writes {single}- for a single token"
    )


def _as_iob2(tags: list[Tag]) -> list[str]:
    """Convert one sentence; the scheme no longer matters once it is known to be sound."""
    converted = []
    before = ""
    for prefix, kind in tags:
        role = _CANONICAL.get(prefix, prefix)
        begins = role in {"B", "S"} or kind != before
        converted.append(f"{'B' if begins else 'I'}-{kind}" if kind else OUTSIDE)
        before = kind
    return converted
