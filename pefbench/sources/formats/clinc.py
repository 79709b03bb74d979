"""CLINC150: all splits of an intent data set in one JSON file, with out-of-scope texts in their own splits.

Larson et al. 2019, "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction", EMNLP, section 2::

    {"train": [["how do i freeze my account", "freeze_account"], ...], "oos_train": [["who won", "oos"], ...], ...}

The splits to read stand after the file: ``data_small.json#test+oos_test``; without them all are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, SourceError, suggest
from pefbench.sources.cells import excerpt
from pefbench.sources.documents import parse
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.sources.rows import BadRows

COLUMNS = ("text", "label")
LAYOUT = re.compile(r'\s*\{\s*"[^"\\]*"\s*:\s*\[\s*\[')


def is_clinc(text: str) -> bool:
    """Recognise the layout by its beginning: a name and a list of lists."""
    return LAYOUT.match(text) is not None


def read_clinc(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per text. file: the file's name, then ``#`` and the splits to read; none: all.

    A row's file is ``data_small.json#split``, and its line the text's number in that split. Raises SourceError for an
    unknown split.
    """
    name, _, chosen = file.rpartition("#")
    document = parse(text, name)
    if not isinstance(document, dict) or not all(isinstance(pairs, list) for pairs in document.values()):
        raise DataError(f"{name}: should be an object of lists, {{split: [[text, label], ...]}}")
    rows = []
    for split in _splits(document, chosen, name):
        for number, pair in enumerate(document[split], start=1):
            place = f"{name}#{split}"
            if _is_pair(pair):
                rows.append(Row(dict(zip(COLUMNS, pair, strict=True)), place, number))
            else:
                bad(DataError(f"{place}:{number}: should be [text, label], got {excerpt(pair, 60)!r}"))
    return Rows(COLUMNS, rows)


def _splits(document: Mapping[str, Any], chosen: str, name: str) -> list[str]:
    if not chosen:
        return list(document)
    splits = chosen.split("+")
    for split in splits:
        if split not in document:
            raise SourceError(f"{name}: has no split {split!r}; {suggest(split, document)} (joined by +)")
        if splits.count(split) > 1:
            raise SourceError(f"{name}: the split {split!r} is named twice in {chosen!r}")
    return splits


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) and part.strip() for part in pair)


READER = TextReader(read_clinc, fits=is_clinc, has_splits=True)
