"""brat standoff: a text in ``x.txt``, and in ``x.ann`` its entities by character offsets, and their relations.

Stenetorp et al. 2012, "brat: a Web-based Tool for NLP-Assisted Text Annotation", EACL, section 3::

    T1	Person 0 3	Ada
    T2	City 12 16	Oslo
    R1	LivesIn Arg1:T1 Arg2:T2
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pefbench.errors import DataError, counted
from pefbench.sources import marked_documents
from pefbench.sources.folders import members
from pefbench.sources.reader import LayoutReader
from pefbench.sources.rows import Row, Rows
from pefbench.sources.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows, Values

COLUMNS = ("text", "entities")
RELATIONS = "relations"
ENTITY = re.compile(r"(?P<name>T\d+)\t(?P<label>\S+) (?P<spans>\d+ \d+(?:;\d+ \d+)*)(?:\t(?P<text>.*))?")
RELATION = re.compile(r"R\d+\t(?P<label>\S+) \w+:(?P<first>\S+) \w+:(?P<second>\S+)\s*")
OTHERS = {"E": "events", "A": "attributes", "M": "attributes", "N": "normalisations", "#": "notes", "*": "equivalences"}
"""brat's other annotations, by the first character of their lines."""


class Entity(NamedTuple):
    """An entity within a line of the text: the line's number, the offsets in that line, the type."""

    line: int
    start: int
    end: int
    label: str


def fits(folder: Path) -> bool:
    """Whether a folder has a text with its annotations."""
    return any(file.suffix == ".ann" and file.with_suffix(".txt").is_file() for file in folder.iterdir())


def read_brat(folder: Path, name: str, bad: BadRows, encoding: str) -> Rows:
    """Read one row per non-blank line of text, files in order of their names; each text is a document.

    entities: a list of [start, end, type], offsets within the line; relations, if any file has them: objects with
    ``label``, ``first`` and ``second``, the offsets of both entities. An annotation that cannot be read makes its line
    a bad row: an entity in several parts, over several lines or with a different text. Texts without a file of
    annotations are left out and counted. Raises SourceError.
    """
    rows, others, left = list[Row](), Counter[str](), 0
    for file in members(folder, name, ".ann"):
        if not (folder / file).with_suffix(".txt").is_file():
            bad(DataError(f"{PurePosixPath(name, file)}:1: no {PurePosixPath(file).stem}.txt beside it"))
    for file in members(folder, name, ".txt"):
        shown, annotations = str(PurePosixPath(name, file)), (folder / file).with_suffix(".ann")
        if not annotations.is_file():
            left += 1
            continue
        text = read_text(folder / file, shown, encoding)
        told = str(PurePosixPath(name, annotations.name))
        rows += _document(text, shown, read_text(annotations, told, encoding), told, bad, others)
    has_relations = any(row.values[RELATIONS] for row in rows)
    if not has_relations:
        for row in rows:
            del row.values[RELATIONS]
    notes = ["brat's annotations; each line of a text is a row"]
    notes += [f"not read: brat's {', '.join(sorted(others))}"] if others else []
    notes += [f"{counted(left, 'text')} without a file of annotations left out"] if left else []
    return Rows((*COLUMNS, RELATIONS) if has_relations else COLUMNS, rows, notes=tuple(notes))


def _document(text: str, file: str, annotations: str, told: str, bad: BadRows, others: Counter[str]) -> Iterator[Row]:
    """The rows of one text."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    faulty: set[int] = set()
    entities, relations = dict[str, Entity](), list[tuple[str, str, str, str]]()
    for number, line in enumerate(annotations.split("\n"), start=1):
        where, annotation = f"{told}:{number}", line.rstrip("\r")
        if not annotation.strip():
            continue
        if (kind := OTHERS.get(annotation[0])) is not None:
            others[kind] += 1
        elif relation := RELATION.fullmatch(annotation):
            relations.append((where, relation["label"], relation["first"], relation["second"]))
        elif entity := ENTITY.fullmatch(annotation):
            found, fault = _entity(entity, text, starts)
            if fault:
                faulty |= {each.line for each in found}
                bad(DataError(f"{where}: {fault}"))
            else:
                entities[entity["name"]] = found[0]
        else:
            bad(
                DataError(
                    f"{where}: should be an annotation of brat, such as 'T1<tab>Type 0 3<tab>text'; got "
                    f"{annotation[:60]!r}"
                )
            )
    related, document = _related(relations, entities, faulty, bad), marked_documents.name(lines)
    for at, line in enumerate(lines):
        if line.strip() and at not in faulty:
            inside = [[each.start, each.end, each.label] for each in entities.values() if each.line == at]
            yield Row(
                {"text": line, "entities": inside, RELATIONS: related.get(at, [])}, file, at + 1, document=document
            )


def _entity(match: re.Match[str], text: str, starts: list[int]) -> tuple[list[Entity], str]:
    """The parts of an entity, each within its line, and what is wrong with it, or ""."""
    spans = [(int(start), int(end)) for start, end in (part.split(" ") for part in match["spans"].split(";"))]
    if any(not start < end <= len(text) for start, end in spans):
        return [], f"{match['name']} is not in the text of {len(text)} characters"
    parts = []
    for start, end in spans:
        first = last = _line(starts, start)
        while starts[last + 1] < end:
            last += 1
        parts += [
            Entity(line, start - starts[line], end - starts[line], match["label"]) for line in range(first, last + 1)
        ]
    given = match["text"]
    there = text[slice(*spans[0])]
    if len(spans) > 1:
        return parts, f"{match['name']} has {len(spans)} parts; tags can only mark entities of one part"
    if len(parts) > 1:
        return parts, f"{match['name']} continues over a line's end"
    if given is not None and given.split() != there.split():
        return parts, f"{match['name']} is {given[:40]!r} here, and {there[:40]!r} in the text at {spans[0][0]}"
    return parts, ""


def _line(starts: list[int], at: int) -> int:
    return bisect_right(starts, at) - 1


def _related(
    relations: list[tuple[str, str, str, str]], entities: dict[str, Entity], faulty: set[int], bad: BadRows
) -> dict[int, list[Values]]:
    """The relations by line. A relation with unread entities, or entities in two lines, is a bad row."""
    found: dict[int, list[Values]] = {}
    for where, label, first, second in relations:
        one, other = entities.get(first), entities.get(second)
        if one is None or other is None:
            bad(DataError(f"{where}: {first if one is None else second} is not an entity that was read"))
        elif one.line != other.line:
            bad(DataError(f"{where}: {first} and {second} are in different lines"))
        elif one.line not in faulty:
            spans = {"first": [one.start, one.end], "second": [other.start, other.end]}
            found.setdefault(one.line, []).append({"label": label, **spans})
    return found


READER = LayoutReader(read_brat, fits)
