"""gettext message catalogues: ``LANGUAGE/LC_MESSAGES/*.po``, the translations of a program's messages.

GNU gettext manual, "The Format of PO Files". The messages themselves are assumed to be English, as that manual asks of
programs.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources.listing import listing
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("translation",)
ENGLISH = "en"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-#0+]*\d*(?:\.\d+)?[a-zA-Z%]|\{[^{}\s]*\}")
"""A complete placeholder of Python's and C's formats: ``%(name)s``, ``%s``, ``%%``, ``{name}``."""
AT_LINE = re.compile(r"\(line (\d+)\)")


def read_gettext(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per message in all catalogues below a folder: translation, language -> text, English first.

    Catalogues are read in order of their paths; the first of several translations into a language is kept. Only
    finished translations are read: not fuzzy, not obsolete, with the same placeholders as the message. Messages with
    plurals or a context, of which only a part would be seen here, and messages without letters are left out. A
    catalogue that cannot be parsed is a bad row. Raises SourceError if there is no catalogue.
    """
    files = sorted(folder.rglob("*/LC_MESSAGES/*.po"))
    if not files:
        there = listing([entry.name for entry in folder.iterdir() if not entry.name.startswith(".")])
        raise SourceError(f"{name or folder.name}: no LANGUAGE/LC_MESSAGES/*.po below it; it has {there}")
    rows: dict[str, Row] = {}
    for file in files:
        language = file.parent.parent.name
        shown = f"{name}/{file.relative_to(folder).as_posix()}".lstrip("/")
        for line, message, translated in _finished(file, shown, bad) if language != ENGLISH else ():
            row = rows.setdefault(message, Row({"translation": {ENGLISH: message}}, shown, line))
            row.values["translation"].setdefault(language, translated)
    return Rows(COLUMNS, list(rows.values()))


def _finished(file: Path, shown: str, bad: BadRows) -> Iterator[tuple[int, str, str]]:
    """The finished translations: (line, message, translation)."""
    import polib

    try:
        catalogue = polib.pofile(str(file), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        line = AT_LINE.search(str(error))
        bad(DataError(f"{shown}:{line[1] if line else 1}: not a gettext catalogue in UTF-8"))
        return
    for entry in catalogue:
        message, translated = entry.msgid.strip(), entry.msgstr.strip()
        if (
            entry.translated()
            and not entry.msgid_plural
            and entry.msgctxt is None
            and _corresponds(message, translated)
        ):
            yield max(1, entry.linenum), message, translated


def _corresponds(message: str, translated: str) -> bool:
    """Whether a translation has a text and exactly its message's placeholders, in any order."""
    says_something = any(character.isalpha() for character in PLACEHOLDER.sub("", message))
    return says_something and bool(translated) and _placeholders(message) == _placeholders(translated)


def _placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))


READER = FolderReader(read_gettext)
