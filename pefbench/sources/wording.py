"""Normalises questions so that only their wording counts."""

from __future__ import annotations

import re
import unicodedata

PAUSES = re.compile(r"[.,;:!?…。，、；：！？]+(?=\s|$)")
"""Punctuation at the end of a word. Inside a word or alone, a sign may matter, as in C++ and 5-3."""


def wording(text: str) -> str:
    """A text in lower case, without punctuation at the ends of words, and with single spaces.

    Unlike in `normalise`, other signs stay: C++ and C# are different questions.
    """
    return " ".join(PAUSES.sub("", unicodedata.normalize("NFC", text).casefold()).split())
