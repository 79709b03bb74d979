"""The running text of a docstring: its paragraphs, without code, tables, headings and field names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DIRECTIVE = re.compile(r"\.\.(?: (?P<name>[\w-]+)::)?(?: +(?P<rest>.*))?$")
PROSE = {"note", "warning", "tip", "important", "hint", "caution", "danger", "attention", "error", "seealso"}
VERSIONS = {"versionadded", "versionchanged", "deprecated", "versionremoved"}
UNDERLINE = re.compile(r"([=\-~^\"'#*+._:])\1{2,}")
BORDER = re.compile(r"[+|]?[=\-+]{2,}[=\-+| ]* [=\-+| ]*|\+[=\-+]+\+|\|.*\|")
NOT_READ = {"see also", "references"}  # lists of names and of publications
BULLET = re.compile(r"(?:[-*+•]|\(?(?:\d{1,2}|#|[a-zA-Z])[.)])\s+(?=\S)")
FIELD = re.compile(r":(?P<name>[a-zA-Z]+)(?:\s[^:`]+)?:(?:\s+|$)")
TYPE_FIELDS = {"type", "rtype", "vartype", "ytype"}
ARGUMENT = re.compile(r"\*{0,2}[\w.]+\s*\((?:[^()]|\([^()]*\))*\)\s*:\s+(?=\S)")
LABEL = re.compile(r"[A-Z]\w+(?: [A-Za-z]\w+)?:")  # a heading such as Args: or Keyword Args:
TYPED = re.compile(r"(?:\w+\[)*:[\w+:-]+:`[^`]+`(?:[\]\s,|]|or\b|:[\w+:-]+:`[^`]+`)*:\s+(?=\S)")
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)(?<!\bcf\.)\s+(?=[\"'(]?[A-Z_])")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str


@dataclass(slots=True)
class _Item:
    """Lines of one paragraph. hanging: further lines may be indented more. number: of the first line."""

    number: int
    indent: int
    hanging: bool
    is_read: bool = True
    lines: list[str] = field(default_factory=list)


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of the running text: (line from 0, paragraph with its markup on one line).

    Code, doctests, tables, headings, comments, the numpydoc sections See Also and References, and directives other than
    notes and versions are left out. So is the head of a description (``x : int`` above it, ``x (int):`` or ``:param
    x:`` before it, ``:rtype:``), which is not a sentence. Bullets lose their mark.
    """
    skipped_below: int | None = None  # deeper indented lines belong to an element that is left out
    is_read = True
    for block in _blocks(text):
        first = block[0]
        if skipped_below is not None and first.indent > skipped_below:
            continue
        skipped_below = None
        lines, title = _without_heading(block)
        if title is not None:
            is_read = title.casefold() not in NOT_READ
        if not is_read or not lines or first.text.startswith(">>>") or any(map(_is_border, block)):
            continue
        if first.text.startswith(".."):
            directive = _directive(lines)
            if directive is None:
                skipped_below = first.indent
                continue
            lines = directive
        for item in _items(lines):
            paragraph = re.sub(r"\s*::$", ":", " ".join(item.lines))
            if item.is_read and paragraph.strip(": "):
                yield item.number, paragraph
            if item.lines[-1].endswith("::"):
                skipped_below = item.indent


def _blocks(text: str) -> Iterator[list[_Line]]:
    """The runs of lines between blank lines; a directive or doctest begins a new run."""
    block: list[_Line] = []
    for number, line in enumerate(text.split("\n")):
        bare = line.strip()
        if block and (not bare or bare.startswith(".. ") or (bare.startswith(">>>") and not _in_doctest(block))):
            yield block
            block = []
        if bare:
            block.append(_Line(number, len(line) - len(line.lstrip()), bare))
    if block:
        yield block


def _in_doctest(block: Sequence[_Line]) -> bool:
    return block[0].text.startswith(">>>")


def _is_border(line: _Line) -> bool:
    return BORDER.fullmatch(line.text) is not None


def _without_heading(block: Sequence[_Line]) -> tuple[list[_Line], str | None]:
    """The block without its heading and rules, and the heading."""
    rules = [at for at, line in enumerate(block) if UNDERLINE.fullmatch(line.text)]
    if not rules:
        return list(block), None
    last = rules[-1]
    title = block[last - 1].text if last else ""
    return list(block[last + 1 :]), title


def _directive(lines: Sequence[_Line]) -> list[_Line] | None:
    """A note's lines without its marker; None for a directive that is not running text."""
    match = DIRECTIVE.match(lines[0].text)
    name, rest = (match["name"], match["rest"] or "") if match else (None, "")
    if name in VERSIONS:
        rest = rest.partition(" ")[2].strip()
    elif name not in PROSE:
        return None
    inner = min((line.indent for line in lines[1:]), default=lines[0].indent + 3)
    return [_Line(lines[0].number, inner, rest), *lines[1:]] if rest else list(lines[1:])


def _items(lines: Sequence[_Line]) -> list[_Item]:
    """Split lines at bullets, fields and changes of indentation; a term above its description is left out."""
    items: list[_Item] = []
    for line in lines:
        started = _started(line)
        current = items[-1] if items else None
        if (
            current
            and not started
            and (line.indent == current.indent or (current.hanging and line.indent > current.indent))
        ):
            current.lines.append(line.text)
            continue
        if current and not started and line.indent > current.indent:
            current.is_read = False
        items.append(started or _plain_item(line))
    return items


def _plain_item(line: _Line) -> _Item:
    return _Item(line.number, line.indent, hanging=False, is_read=not LABEL.fullmatch(line.text), lines=[line.text])


def _started(line: _Line) -> _Item | None:
    """The item that a line begins with its marker, or None."""
    if match := FIELD.match(line.text):
        is_read = match["name"] not in TYPE_FIELDS
    elif match := BULLET.match(line.text) or ARGUMENT.match(line.text) or TYPED.match(line.text):
        is_read = True
    else:
        return None
    return _Item(line.number, line.indent, hanging=True, is_read=is_read, lines=[line.text[match.end() :]])
