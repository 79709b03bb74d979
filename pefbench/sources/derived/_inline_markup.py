"""reStructuredText's inline markup: the text that a reader sees, and the objects that Python roles name.

docutils, "reStructuredText Markup Specification", section "Inline Markup"; Sphinx, "The Python Domain", section
"Cross-referencing Python objects".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {
    "class": "class",
    "exc": "class",  # an exception is a class
    "func": "function",
    "meth": "method",
    "attr": "attribute",
    "mod": "module",
}
"""Role -> the kind of thing that it names."""

MENTION = re.compile(rf":(?:{'|'.join(KINDS)}):`")
UNKNOWN_KIND = {"obj", "any"}
CONSTANTS = {"None", "True", "False", "Ellipsis", "NotImplemented"}
SEEN_AS_TITLE = {"ref", "numref", "doc", "cite", "footcite"}  # a label without a title is shown as another heading
NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
MARKUP = re.compile(
    r"""
      \\(?P<escaped>.)
    | (?<![\w:])(?:\[(?:\d+|[#*]\w*|[A-Za-z][\w.-]*)\]_)(?!\w)          # footnote or citation mark: shown as [1]
    | ``(?P<literal>[^`]+(?:`[^`]+)*)``
    | (?<!\w):(?:[a-z]+:)?(?P<role>[a-zA-Z][\w+.-]*):`(?P<body>[^`]+)`
    | `(?P<link>[^`]+)`(?::[a-z:]+:|__?(?!\w))?
    | (?<![\w*])\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*(?![\w*])
    | (?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])
    | (?<![\w|])\|(?P<substitution>[^\s|](?:[^|]*[^\s|])?)\|_{0,2}(?![\w|])
    """,
    re.VERBOSE,
)
TITLED = re.compile(r"(?P<title>.*\S)\s*<[^<>]*>", re.DOTALL)
LEFT_OVER = re.compile(r"`|(?<!\S):[a-z]+:(?=\S)|(?<!\w)_{2,}(?!\w)|%\(")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a plain text, at characters [start, end), and the kind of object that it names."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without its markup.

    unclear: character offsets at which the text may differ from what a reader sees, or the markup does not determine
    the kind of object. literals: the texts in double backticks.
    """

    text: str
    mentions: tuple[Mention, ...]
    unclear: tuple[int, ...]
    literals: tuple[tuple[int, str], ...]


def plain(marked: str) -> Plain:
    """A paragraph's text as a reader sees it.

    ``:class:`~a.b.C``` is ``C``, ``:class:`a.b.C``` is ``a.b.C``, ``:meth:`.C.m()``` is ``C.m``, ```text <target>`_``
    is ``text``; literals and emphasis become plain words. These are unclear: a role of `KINDS` whose text is not a
    single name, ``:obj:`` of anything but a constant, ``:math:``, a reference shown with another text's heading, a
    substitution, and unclosed markup.
    """
    pieces: list[str] = []
    mentions: list[Mention] = []
    unclear: list[int] = []
    literals: list[tuple[int, str]] = []
    length = done = 0
    for match in MARKUP.finditer(marked):
        before = marked[done : match.start()]
        length, done = length + len(before), match.end()
        seen, kind, is_clear = _seen(match)
        if kind:
            mentions.append(Mention(length, length + len(seen), kind))
        if match["literal"]:
            literals.append((length, seen))
        if not is_clear:
            unclear.append(length)
        pieces += [before, seen]
        length += len(seen)
    text = "".join([*pieces, marked[done:]])
    unclear += [match.start() for match in LEFT_OVER.finditer(text)]
    return Plain(text, tuple(mentions), tuple(unclear), tuple(literals))


def _seen(match: re.Match[str]) -> tuple[str, str, bool]:
    """A markup element as (the text that a reader sees, the kind of object that it names or "", is it clear)."""
    if match["role"]:
        return _role(match["role"], match["body"])
    if match["escaped"]:
        return match["escaped"].strip(), "", True
    if match["link"]:
        titled = TITLED.fullmatch(match["link"])
        return (titled["title"] if titled else match["link"]), "", True
    seen = match["literal"] or match["strong"] or match["emphasis"] or match["substitution"] or ""
    return seen, "", match["substitution"] is None


def _role(role: str, body: str) -> tuple[str, str, bool]:
    titled = TITLED.fullmatch(body)
    seen = (titled["title"] if titled else body).strip()
    if not titled and role not in SEEN_AS_TITLE:
        seen = _shortened(seen)
    kind = KINDS.get(role, "")
    if kind:
        seen = seen.removesuffix("()")  # Sphinx itself adds or drops the parentheses
        is_name = NAME.fullmatch(seen) is not None
        return seen, kind if is_name else "", is_name
    if role in UNKNOWN_KIND:
        return seen, "", seen in CONSTANTS
    return seen, "", role != "math" and (titled is not None or role not in SEEN_AS_TITLE)


def _shortened(target: str) -> str:
    """A target as Sphinx shows it: the last name after ``~``, no ``!``, leading dot or ``py:``."""
    bare = target.removeprefix("py:").lstrip("!~.")
    return bare.rpartition(".")[2] if "~" in target.removesuffix(bare) else bare
