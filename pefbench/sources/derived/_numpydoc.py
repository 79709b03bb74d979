"""Reads the Parameters section of a docstring in numpydoc format, as plain text.

numpydoc, "Style guide", section "Parameters": a line ``name : type, default: value`` and, indented, a description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pefbench.sources.derived._inline_markup import LEFT_OVER, plain
from pefbench.sources.derived._prose import SENTENCE_END, paragraphs

TITLE = re.compile(r"\bParameters\s*\n\s*-{3,}")
SECTION = re.compile(r"^Parameters\n-{3,}\n(?P<body>.*?)(?=^\S[^\n]*\n[-=]{3,}[ ]*$|\Z)", re.MULTILINE | re.DOTALL)
HEAD = re.compile(r"(?P<names>\*{0,2}[^\W\d]\w*(?:\s*,\s*\*{0,2}[^\W\d]\w*)*)(?:\s*:\s*(?P<type>.*))?")
TYPE = re.compile(r"(?P<type>.*?)(?:[\s,;(]*(?<![\"'])\b(?:optional|defaults?|required|keyword.only)\b.*)?", re.DOTALL)
DEFAULT = re.compile(r"\bdefaults?\b(?:\s+(?:value|is|to|of|as))*\s*[:=]?\s*", re.IGNORECASE)
# A literal that is neither part of a longer expression nor subject to a condition.
VALUE = re.compile(
    r"""(?P<value>None|True|False|"[^"\n]*"|'[^'\n]*'|-?\d+(?:\.\d+)?(?:e-?\d+)?)"""
    r"""(?![\w/*^(\[+-]|\.\w|\s*(?:if|when|for|unless|in|on|otherwise|or)\b)""",
    re.ASCII,
)
LONGEST_TYPE = 120
TEMPLATE = re.compile(r"%\(\w+\)s|\{\{|\{\w+\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry. names: usually one, several if they share the entry; type, description: "" if missing."""

    names: tuple[str, ...]
    type: str
    description: str

    @property
    def text(self) -> str:
        """The entry as text: ``name : type``, and the description on the next line."""
        head = ", ".join(self.names) + (f" : {self.type}" if self.type else "")
        return f"{head}\n{self.description}" if self.description else head

    def answers(self) -> dict[str, tuple[str, int]]:
        """The entry's ``type``, ``default`` and ``meaning``: the words and their offset in `text`.

        The type excludes "optional" and the default; the meaning is the description's first sentence.
        """
        found = {"type": self._type(), "default": self._default(), "meaning": self._meaning()}
        return {what: answer for what, answer in found.items() if answer}

    def _type(self) -> tuple[str, int] | None:
        match = TYPE.fullmatch(self.type)
        words = match["type"].strip() if match else ""
        return (words, self.text.index(" : ") + 3) if words and _is_closed(words) else None

    def _default(self) -> tuple[str, int] | None:
        """The default, if the entry mentions one exactly once and it is a literal."""
        defaults = list(DEFAULT.finditer(self.text))
        value = VALUE.match(self.text, defaults[0].end()) if len(defaults) == 1 else None
        return (value["value"], value.start()) if value else None

    def _meaning(self) -> tuple[str, int] | None:
        sentence = SENTENCE_END.split(self.description, maxsplit=1)[0].partition("\n")[0].rstrip()
        return (sentence, self.text.index("\n") + 1) if len(sentence.split()) >= 3 else None


def parameters(docstring: str) -> list[Parameter]:
    """The entries of the Parameters section.

    Empty if there is no section, a line that should begin an entry does not, or the text differs from what a reader
    sees: placeholders such as ``%(verbose)s``, unclosed markup.
    """
    section = SECTION.search(docstring)
    if section is None or TEMPLATE.search(section["body"]):
        return []
    entries: list[Parameter] = []
    for head, *body in _entries(section["body"]):
        match = HEAD.fullmatch(head)
        if match is None or len(match["type"] or "") > LONGEST_TYPE:
            return []
        names = tuple(name.strip() for name in match["names"].split(","))
        description = "\n".join(plain(paragraph).text for _, paragraph in paragraphs(_dedented(body)))
        entries.append(Parameter(names, plain(match["type"] or "").text.strip(), description))
    return [] if any(LEFT_OVER.search(entry.text) for entry in entries) else entries


def _entries(body: str) -> list[list[str]]:
    """The lines of each entry, its head first, with runs of spaces in the head replaced by one."""
    entries: list[list[str]] = []
    for line in body.rstrip().split("\n"):
        if line[:1].strip():
            entries.append([" ".join(line.split())])
        elif entries:
            entries[-1].append(line)
    return entries


def _dedented(lines: list[str]) -> str:
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


def _is_closed(words: str) -> bool:
    return all(words.count(opening) == words.count(closing) for opening, closing in ("()", "[]", "{}"))
