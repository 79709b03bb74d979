"""Finds names in texts as whole words, also where a script does not separate words by spaces."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\uac00-\ud7a3"
_SPACELESS = (
    "\u3005\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Hiragana, Han
    "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
)
_PARTICLES = "은|는|이|가|을|를|의|에|에서|에게|와|과|도|만|로|으로|까지|부터|보다|처럼"
"""What Korean attaches to a name."""

EDGES = (
    (_SPACELESS, "", ""),  # where such a word begins and ends, only a dictionary knows
    (_KATAKANA, f"(?<![{_KATAKANA}])", f"(?![{_KATAKANA}])"),  # a run of Katakana is a word
    (_HANGUL, r"(?<!\w)", rf"(?=(?:{_PARTICLES})?(?!\w))"),
    (r"\w\W", *(f"(?{side}[^\\W{_SPACELESS}{_KATAKANA}{_HANGUL}])" for side in ("<!", "!"))),
)
"""For a character at a name's edge: what must hold before a name that begins with it, and after one that ends so."""


def written(text: str) -> str:
    """The text in one of its equal spellings; full-width and half-width letters are spelled as the usual ones."""
    return unicodedata.normalize("NFKC", text)


def pattern(names: Sequence[str]) -> re.Pattern[str]:
    """A pattern for any of the names in a `written` text. Case is ignored, but for names in capitals (tickers)."""
    return re.compile("|".join(map(_whole, names)))


def _whole(name: str) -> str:
    parts = written(name).split()
    words = r"\s+".join(map(re.escape, parts))
    before, after = _edge(parts[0][0])[0], _edge(parts[-1][-1])[1]
    return f"{before}{words if name.isupper() else f'(?i:{words})'}{after}"


def _edge(character: str) -> tuple[str, str]:
    return next((before, after) for kind, before, after in EDGES if re.match(f"[{kind}]", character))
