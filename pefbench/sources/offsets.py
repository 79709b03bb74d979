"""Turns entities given by character offsets, as annotation tools write them, into words with IOB2 tags.

Spans are ``[start, end, label]`` (doccano, spaCy), ``{"start": ..., "end": ..., "label": ...}`` (Prodigy), ``{"start":
..., "end": ..., "labels": [...]}`` (Label Studio), or use the names of AutoML, LightTag and SageMaker Ground Truth::

    {"text": "Ada went to Oslo.", "label": [[0, 3, "PER"], [12, 16, "LOC"]]}

Texts are split at white space. Every character that is not a letter, digit or underscore is a separate word, and so is
every character of scripts without spaces between words, such as Chinese and Japanese.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import excerpt
from pefbench.sources.nesting import unnest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources.rows import BadRows, Row, Rows

    Span = tuple[int, int, str]

TEXTS = ("text", "textContent", "content")
SPANS = ("entities", "spans", "label", "labels", "tags", "textSegmentAnnotations", "annotations")
TOKENS = ("tokens", "words")
KEYS = (
    ("start", "start_offset", "startOffset"),
    ("end", "end_offset", "endOffset"),
    ("label", "type", "entity_group", "displayName", "tag"),
)
NESTED = re.compile(r"\s*\[\s*[\[{]")
WORD = re.compile("(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])\\w\u0300*)+|\\S\u0300*")
"""A word; U+0300 stands for any combining mark. The ranges are scripts without spaces between words."""
COUNTED = "; offsets count characters from 0, an emoji as one, and the end is the one after the last"
NOTE = "texts are split into words at white space and punctuation, and the entities' character offsets turned into tags"


def with_tags(table: Rows, named: Mapping[str, str | int | list[str | int]], bad: BadRows) -> Rows:
    """Turn a table of texts with spans into words with tags (``tokens``, ``tags``); leave other tables unchanged.

    named: the recipe's names for `tokens` and `tags`, which here name the text and its spans and are kept. A row is bad
    if a span cuts a word, lies outside the text or overlaps another.
    """
    table = _with_nested(_with_lists(table, [str(named["tags"])] if "tags" in named else SPANS), named)
    text, spans = _columns(table, named)
    if text is None or spans is None:
        return table
    new = {text: str(named.get("tokens", "tokens")), spans: str(named.get("tags", "tags"))}
    columns = tuple(new.get(name, name) for name in table.columns if name in new or name not in new.values())
    rows = bad.good(table.rows, lambda row: _tagged(row, text, spans, new))
    return replace(table, columns=columns, rows=rows, notes=(*table.notes, NOTE))


def _with_nested(table: Rows, named: Mapping[str, str | int | list[str | int]]) -> Rows:
    """Replace a column by the spans nested inside it, as in ``job.annotations.entities``."""
    name = str(named.get("tags", ""))
    nested = unnest(table, [name])
    outer = name.partition(".")[0]
    if nested is table or not _are_spans(nested, name):
        return table
    rows = [replace(row, values={key: row.values[key] for key in row.values if key != outer}) for row in nested.rows]
    return replace(nested, columns=tuple(key for key in nested.columns if key != outer), rows=rows)


def _with_lists(table: Rows, names: Sequence[str]) -> Rows:
    """Parse lists that are written as JSON in these columns, as in Label Studio's CSV."""
    for name in names:
        cells = [row.values.get(name) for row in table.rows]
        if any(isinstance(cell, str) and NESTED.match(cell) for cell in cells):
            rows = [replace(row, values={**row.values, name: _list(row.values.get(name))}) for row in table.rows]
            table = replace(table, rows=rows)
    return table


def _list(cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) and cell.lstrip().startswith("[") else cell or None
    except (ValueError, RecursionError):
        return cell


def _columns(table: Rows, named: Mapping[str, str | int | list[str | int]]) -> tuple[str | None, str | None]:
    """The columns of texts and of their spans; None if there are none."""
    text = str(named.get("tokens") or next((name for name in TEXTS if name in table.columns), TEXTS[0]))
    if "tokens" not in named and any(_are_words(row.values.get(name)) for row in table.rows for name in TOKENS):
        return None, None
    if text not in table.columns or not all(isinstance(row.values[text], str | None) for row in table.rows):
        return None, None
    choices = [str(named["tags"])] if "tags" in named else SPANS
    return text, next((name for name in choices if name in table.columns and _are_spans(table, name)), None)


def _are_words(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _are_spans(table: Rows, name: str) -> bool:
    """Whether a column holds lists, at least one with an item that is neither a tag nor a tag's number."""
    cells = [row.values[name] for row in table.rows]
    lists = [cell for cell in cells if isinstance(cell, list)]
    return all(cell is None or isinstance(cell, list) for cell in cells) and any(
        isinstance(each, list | dict) for cell in lists for each in cell
    )


def _tagged(row: Row, text: str, spans: str, new: Mapping[str, str]) -> Row:
    given = row.values[text]
    if not isinstance(given, str) or not given.strip():
        raise DataError(f"{row.where}: {text} should be a non-empty text, got {excerpt(given, 60)!r}")
    found = sorted({_span(row, each, given) for each in row.values[spans] or []})
    for one, other in pairwise(found):
        if other[0] < one[1]:
            raise DataError(f"{row.where}: two entities overlap: {_shown(one, given)} and {_shown(other, given)}")
    words = divide(given)
    tags = ["O"] * len(words)
    for span in found:
        inside = [at for at, (start, end) in enumerate(words) if start < span[1] and end > span[0]]
        if words[inside[0]][0] != span[0] or words[inside[-1]][1] != span[1]:
            cut = next(
                words[at] for at in (inside[0], inside[-1]) if not span[0] <= words[at][0] < words[at][1] <= span[1]
            )
            raise DataError(
                f"{row.where}: the entity {_shown(span, given)} cuts the word {given[slice(*cut)][:40]!r}{COUNTED}"
            )
        for at in inside:
            tags[at] = f"{'B' if at == inside[0] else 'I'}-{span[2]}"
    others = {name: value for name, value in row.values.items() if name not in {*new, *new.values()}}
    return replace(row, values={**others, new[text]: [given[slice(*word)] for word in words], new[spans]: tags})


def _span(row: Row, given: Any, text: str) -> Span:
    """A span without surrounding white space. Raises DataError."""
    parts = given
    if isinstance(given, dict):
        parts = [next((given[key] for key in keys if key in given), None) for keys in KEYS]
        if isinstance(several := given.get("labels"), list) and len(several) == 1:
            parts[2] = several[0]
    if (
        not isinstance(parts, list)
        or len(parts) != len(KEYS)
        or not all(type(each) is int for each in parts[:2])
        or not (isinstance(parts[2], str) and parts[2].strip())
    ):
        raise DataError(f"{row.where}: an entity should be [start, end, label], got {excerpt(given, 60)!r}")
    start, end, label = parts
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise DataError(
            f"{row.where}: the entity [{start}, {end}, {label[:40]!r}] is not in the text of {len(text)} characters"
        )
    inside = text[start:end]
    own = given.get("text") if isinstance(given, dict) else None
    if isinstance(own, str) and _bare(own) not in ("", _bare(inside)):
        raise DataError(
            f"{row.where}: the entity [{start}, {end}] says that its text is {own[:40]!r}, but the text there is "
            f"{inside[:40]!r}{COUNTED}"
        )
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip()), label.strip()


def _bare(text: str) -> str:
    """A text without white space, including line ends that a tool writes as a backslash and an n."""
    return "".join(text.replace("\\n", " ").split())


def _shown(span: Span, text: str) -> str:
    return f"{text[span[0] : span[1]][:40]!r} [{span[0]}, {span[1]}]"


def divide(text: str) -> list[tuple[int, int]]:
    """Split a text into words: the offsets [start, end) of each. A combining mark belongs to what is before it."""
    plain = "".join("\u0300" if unicodedata.category(each)[0] == "M" else each for each in text)
    return [word.span() for word in WORD.finditer(plain)]
