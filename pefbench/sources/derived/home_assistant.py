"""Home Assistant's sentence templates by intent, written out as sentences.

The layout of a language's file in the wheel home-assistant-intents::

    {"language": "en", "lists": {...}, "expansion_rules": {"the": "(the|my|our)", ...}, "intents": {"HassTurnOn":
        {"data": [{"sentences": ["<turn> on [<the>] {name}", ...], "requires_context": {"domain": ["light"]}}]}}}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pefbench.errors import DataError
from pefbench.sources.derived import _home_words as home_words
from pefbench.sources.derived import _templates as templates
from pefbench.sources.documents import items
from pefbench.sources.documents import parse as parse_json
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label", "template")
LIMIT = 8  # sentences per template
LANGUAGE = "en"
DEEPEST, LONGEST_RANGE = (
    16,
    100_000,
)  # nested rules, numbers in a list; no real grammar has more


class Template(NamedTuple):
    """One template. id: the intent and the template's number in it; domains: the kinds of device that it concerns."""

    intent: str
    id: str
    text: str
    domains: Sequence[str]


def is_home_assistant(text: str) -> bool:
    """Recognise the layout by its keys; inside JSON strings, quotation marks are always escaped."""
    return '"expansion_rules"' in text and '"intents"' in text


def read_home_assistant(text: str, file: str, bad: BadRows) -> Rows:
    """Read up to 8 sentences of each template: text, label (the intent) and template, an id such as "HassTurnOn/3".

    Names that depend on the home come from `_home_words`, in English, the only language that is read. Numbers are whole
    numbers only. A sentence of two templates belongs to the first; a sentence of two intents is left out. A row's line
    is its template's number in the file. Raises DataError.
    """
    document = parse_json(text, file)
    language = document.get("language") if isinstance(document, dict) else None
    if language != LANGUAGE:
        raise DataError(
            f'{file}: should hold English templates ("language": "{LANGUAGE}"), its language is {language!r}'
        )
    lists, rules = _mapping(document, "lists", file), _mapping(document, "expansion_rules", file)
    rows: list[Row] = []
    known: dict[tuple[str, ...], templates.Node] = {}
    for number, template in enumerate(_templates(document, file), start=1):
        try:
            node = _Grammar(lists, rules, template.domains, known).node(template.text)
        except ValueError as error:
            bad(DataError(f"{file}:{number}: {error}, in the template {template.text[:60]!r}"))
            continue
        sentences = templates.texts(node, f"{template.intent}\n{template.text}", LIMIT)
        values = ({"text": sentence, "label": template.intent, "template": template.id} for sentence in sentences)
        rows += [Row(each, file, number) for each in values]
    return Rows(COLUMNS, _distinct(rows))


def _mapping(document: Mapping[str, Any], key: str, file: str) -> Mapping[str, Any]:
    found = document.get(key)
    if not isinstance(found, dict):
        raise DataError(f"{file}: should have an object under {key!r}")
    return found


def _templates(document: Mapping[str, Any], file: str) -> Iterator[Template]:
    for intent, body in _mapping(document, "intents", file).items():
        number = 0
        for block in items(body, "data", f"{file}: the intent {intent}"):
            for text in items(block, "sentences", f"{file}: the intent {intent}"):
                number += 1
                yield Template(intent, f"{intent}/{number}", str(text), _domains(block))


def _domains(block: Mapping[str, Any]) -> list[str]:
    """The kinds of device that a block of templates requires, in its context or in its slots."""
    found: list[str] = []
    for key in ("requires_context", "slots"):
        domain = block[key].get("domain", []) if isinstance(block.get(key), dict) else []
        found += [domain] if isinstance(domain, str) else domain
    return found


@dataclass(frozen=True)
class _Grammar:
    """Resolves the names in templates.

    known: the lists that were already resolved, by name and domains. within: the rules and lists being resolved.
    """

    lists: Mapping[str, Any]
    rules: Mapping[str, Any]
    domains: Sequence[str]
    known: dict[tuple[str, ...], templates.Node]
    within: tuple[str, ...] = ()

    def node(self, text: str) -> templates.Node:
        return templates.parse(text, self.from_list, self.from_rule)

    def from_rule(self, name: str) -> templates.Node:
        if name not in self.rules:
            raise ValueError(f"no rule <{name}>")
        if name in self.within:
            raise ValueError(f"the rule <{name}> contains itself")
        if len(self.within) == DEEPEST:
            raise ValueError(f"rules within rules, more than {DEEPEST}")
        return replace(self, within=(*self.within, name)).node(str(self.rules[name]))

    def from_list(self, name: str) -> templates.Node:
        key = (name, *self.domains)
        if key not in self.known:
            self.known[key] = self._values(name)
        return self.known[key]

    def _values(self, name: str) -> templates.Node:
        try:
            values = self._given(name)
        except (KeyError, TypeError):
            raise ValueError(f"the list {{{name}}} has neither values nor a range that can be read") from None
        if f"{{{name}}}" in self.within:
            raise ValueError(f"the list {{{name}}} contains itself")
        inner = replace(self, within=(*self.within, f"{{{name}}}"))
        nodes = [inner.node(value) for value in values or home_words.values(name, self.domains)]
        if not nodes:
            raise ValueError(f"no values for the list {{{name}}}")
        return templates.OneOf(nodes)

    def _given(self, name: str) -> list[str]:
        """The values of a list in the file, which are templates themselves; none for an open list."""
        given = self.lists.get(name, {})
        if "range" in given:
            bounds = given["range"]
            numbers = range(bounds["from"], bounds["to"] + 1, bounds.get("step", 1))
            if len(numbers) > LONGEST_RANGE:
                raise ValueError(f"the list {{{name}}} has {len(numbers)} numbers")
            return [str(number) for number in numbers]
        if "values" in given:
            return [str(value["in"] if isinstance(value, dict) else value) for value in given["values"]]
        return []


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Each sentence once, ignoring case; sentences with two labels are left out."""
    labels: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = row.values["text"].casefold()
        labels.setdefault(key, set()).add(row.values["label"])
        first.setdefault(key, row)
    return [row for key, row in first.items() if len(labels[key]) == 1]


READER = TextReader(read_home_assistant, fits=is_home_assistant)
