"""Which companies an item is about that names none, such as one of a feed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pefbench.apps.monitor.items import Item, Skipped, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Companies:
    """Companies by their names. named: each company, and the other names of it."""

    def __init__(self, named: Mapping[str, Sequence[str]]) -> None:
        self._patterns = {company: _pattern([company, *others]) for company, others in named.items()}

    def __call__(self, entries: Iterable[Item | Skipped]) -> list[Item | Skipped]:
        """The entries; one that names no company once for each whose name its text or its categories have."""
        return [each for entry in entries for each in self._about(entry)]

    def _about(self, entry: Item | Skipped) -> Sequence[Item | Skipped]:
        if not isinstance(entry, Item) or entry.company is not None:
            return [entry]
        said = unicodedata.normalize("NFC", "\n".join([entry.text, *entry.categories]))
        found = [company for company, pattern in self._patterns.items() if pattern.search(said)]
        return [
            replace(entry, company=company, key=digest(orjson.dumps([entry.key, company]))) for company in found
        ] or [entry]


def _pattern(names: Sequence[str]) -> re.Pattern[str]:
    """Any of the names as whole words, in any case; those in capitals, as tickers are, in capitals alone."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_written, names))})(?!\w)")


def _written(name: str) -> str:
    words = r"\s+".join(map(re.escape, unicodedata.normalize("NFC", name).split()))
    return words if name.isupper() else f"(?i:{words})"
