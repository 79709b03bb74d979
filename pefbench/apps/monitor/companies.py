"""Finds the companies of items that do not state one, such as a feed's entries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pefbench.apps.monitor import names
from pefbench.apps.monitor.items import Item, Skipped, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Companies:
    """Finds companies by their names. named: each company with its other names."""

    def __init__(self, named: Mapping[str, Sequence[str]]) -> None:
        self._patterns = {company: names.pattern([company, *others]) for company, others in named.items()}

    def __call__(self, entries: Iterable[Item | Skipped]) -> list[Item | Skipped]:
        """The entries; one without a company is repeated for each company named in its text or categories."""
        return [each for entry in entries for each in self._about(entry)]

    def _about(self, entry: Item | Skipped) -> Sequence[Item | Skipped]:
        if not isinstance(entry, Item) or entry.company is not None:
            return [entry]
        said = names.written("\n".join([entry.text, *entry.categories]))
        found = [company for company, pattern in self._patterns.items() if pattern.search(said)]
        return [
            replace(entry, company=company, key=digest(orjson.dumps([entry.key, company]))) for company in found
        ] or [entry]
