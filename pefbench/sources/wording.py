"""The words of a text as they tell one question from another."""

from __future__ import annotations

import re
import unicodedata

PAUSES = re.compile(r"[.,;:!?…。，、；：！？]+(?=\s|$)")
"""Marks at the end of a word. Within one, and alone, they may be what is asked about, as those of C++ and 5-3 are."""


def wording(text: str) -> str:
    """A text without case, without the marks that end its words and its sentences, and with single spaces.

    Other signs stay, unlike in `normalise`: a question about C++ is none about C#.
    """
    return " ".join(PAUSES.sub("", unicodedata.normalize("NFC", text).casefold()).split())
