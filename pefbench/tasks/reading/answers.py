"""Reads answers that are spans of a context, in all layouts of data sets, and locates each in the context.

An answer without an offset is found by its text, if that occurs exactly once.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from pefbench.errors import DataError, counted
from pefbench.sources.cells import as_list, is_missing
from pefbench.sources.documents import parse
from pefbench.tasks.reading import values

if TYPE_CHECKING:
    from pefbench.sources import Row

NEAR = 16
"""How many characters an answer may be away from its stated offset."""
TRUE = {"true", "1", "1.0", "yes"}
# {'text': ['Oslo'], 'answer_start': [3]} as Python's repr writes it, or numpy's; the lists are read by `as_list`.
LIST = r"(?:array\()?(\[[^\[\]]*\])(?:, dtype=\w+)?\)?"
WRITTEN = re.compile(rf"\{{\s*'text':\s*{LIST},\s*'answer_start':\s*{LIST}\s*\}}", re.DOTALL)
WANTED = "{'text': [...], 'answer_start': [...]} or a list of {'text': ..., 'answer_start': ...}"

Placed = tuple[str, int]


class Answers(NamedTuple):
    """The answers of a row. unmarked: it has none and is not marked so. moved: how many were not at their offset."""

    spans: tuple[Placed, ...]
    unmarked: bool = False
    moved: int = 0


def read(row: Row, context: str) -> Answers:
    """A row's distinct answers, as in the context. Raises DataError for an answer that is not near its offset."""
    if _is_marked(row):
        return Answers(())
    found = _pairs(row)
    if found is None:
        return Answers((), unmarked=True)
    placed = [_place(row, text, start, context) for text, start in found]
    moved = sum(given[1] is not None and given != right for given, right in zip(found, placed, strict=True))
    return Answers(tuple(dict.fromkeys(placed)), moved=moved)


def _is_marked(row: Row) -> bool:
    """Whether the row marks its question as unanswerable."""
    mark = row.values.get("impossible")
    return mark is True or (mark is not None and str(mark).strip().lower() in TRUE)


def _pairs(row: Row) -> list[tuple[str, int | None]] | None:
    """Texts and offsets from any layout; an offset is None if it is not given. None if there are no answers."""
    given = _decoded(row)
    starts = row.values.get("starts")
    if is_missing(given) and is_missing(starts):
        return None
    if isinstance(given, dict):
        given, starts = (given.get(key) for key in ("text", "answer_start"))
    elif isinstance(given, list) and all(isinstance(each, dict) for each in given):
        given, starts = ([each.get(key) for each in given] for key in ("text", "answer_start"))
    if isinstance(given, str) and given.strip()[:1] in {"[", "{"} and _spelt(given) is None and is_missing(starts):
        raise values.wrong(row, "answers", WANTED)
    texts = _listed(given)
    offsets = [None] * len(texts) if is_missing(starts) else [values.whole(each) for each in _listed(offset(starts))]
    if texts and all(map(is_missing, texts + offsets)):
        return None
    if len(texts) != len(offsets):
        raise values.wrong(row, "answers", WANTED)
    found = [(text, at) for text, at in zip(texts, offsets, strict=True) if text is not None]
    if not all(isinstance(text, str) for text, _ in found):
        raise values.wrong(row, "answers", WANTED)
    if not all(type(at) is int or is_missing(at) for _, at in found):
        raise DataError(f"{row.where}: an answer should be a text and the number of its first character")
    return [(text, None if is_missing(at) else at) for text, at in found] if found or not texts else None


def _decoded(row: Row) -> Any:
    """The cell of answers, parsed as JSON or as a Python literal if it is such a text."""
    cell = row.values["answers"]
    if not isinstance(cell, str) or cell.strip()[:1] not in {"[", "{"}:
        return cell
    if written := WRITTEN.fullmatch(cell.strip()):
        texts, starts = (as_list(part.replace("\n", " ")) for part in written.groups())
        return {"text": texts or [], "answer_start": starts or []}
    try:
        return parse(cell, row.file, row.line)
    except DataError:
        return cell


def _listed(value: Any) -> list[Any]:
    """A list, or the list that a text spells, or else a list with the value."""
    if isinstance(value, str) and (spelt := _spelt(value)) is not None:
        return spelt
    return value if isinstance(value, list) else [value]


def offset(value: Any) -> Any:
    """The offset that a table's cell spells; any other value unchanged."""
    return int(float(value)) if _is_number(value) else value


def _spelt(text: str) -> list[Any] | None:
    try:
        return [] if text.strip() == "[]" else as_list(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.0+)?", value.strip(), re.ASCII) is not None


def _place(row: Row, text: str, start: int | None, context: str) -> Placed:
    """The answer as in the context, at its offset or near it. Raises DataError."""
    if start is None:
        return _only(row, text, context)
    if text and start >= 0:
        if context.startswith(text, start):
            return text, start
        at = _nearest([match.start() for match in re.finditer(re.escape(text), context)], start)
        if at is not None:
            return text, at
        plain, places = _plain(context)
        wanted = _plain(text)[0].strip()
        spans = {places[at.start()]: at for at in re.finditer(re.escape(wanted), plain)} if wanted else {}
        at = _nearest([*spans], start)
        if at is not None:
            end = places[spans[at].end() - 1] + 1
            while end < len(context) and unicodedata.combining(context[end]):
                end += 1
            return context[at:end], at
    raise DataError(
        f"{row.where}: the answer {text[:40]!r} is not in the context at character {start}, nor within {NEAR} of it"
    )


def _only(row: Row, text: str, context: str) -> Placed:
    """Locate an answer without an offset. Raises DataError unless the context has it exactly once."""
    places = [match.start() for match in re.finditer(rf"(?={re.escape(text)})", context)] if text.strip() else []
    if len(places) != 1:
        raise DataError(
            f"{row.where}: the answer {text[:40]!r} is in the context {counted(len(places), 'time')}, and "
            f"answer_start does not say which is meant"
        )
    return text, places[0]


def _nearest(places: list[int], start: int) -> int | None:
    """The place nearest to an offset; None if none is near, or two are equally near."""
    near = sorted((abs(place - start), place) for place in places if abs(place - start) <= NEAR)
    return near[0][1] if near and (len(near) == 1 or near[0][0] < near[1][0]) else None


def _plain(text: str) -> tuple[str, list[int]]:
    """A text in lower case, without accents and with single spaces, and the original index of each character."""
    plain: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for each in unicodedata.normalize("NFKD", character).casefold():
            shown = " " if each.isspace() else QUOTES.get(each, each)
            if unicodedata.combining(each) or (shown == " " and plain[-1:] == [" "]):
                continue
            plain.append(shown)
            places.append(place)
    return "".join(plain), places


QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
"""Typographic marks that are often replaced by plain ones."""
