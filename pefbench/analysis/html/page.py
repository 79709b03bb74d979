"""Builds the page: the template with style, script and data inserted."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pefbench import __version__
from pefbench.analysis.html.contents import contents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.analysis.html.data import GroupData
    from pefbench.results.search_schema import Found
    from pefbench.results.store import Stored
    from pefbench.results.verdict_schema import Comparison

_HERE = "pefbench.analysis.html"
_OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that are interpreted, not shown: control characters other than line ends, and text-direction marks."""


def page(results: Sequence[Stored], verdicts: Sequence[Comparison] = (), searched: Sequence[Found] = ()) -> str:
    """The report as one HTML document. verdicts: of comparisons, for their paired tests. searched: search records."""
    data: Any = _inert(contents(results, verdicts, searched))
    style, script = _part("page.css"), _part("page.js")
    parts = {
        "policy": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "style": style,
        "script": script,
        "version": escape(__version__),
        "verdicts": "\n".join(_verdict(number, group) for number, group in enumerate(data["groups"])),
        "data": embedded(data),
    }
    # In one pass, so that inserted text is not searched for placeholders.
    text = re.sub(r"<!-- (\w+) -->", lambda found: parts[found[1]], _part("page.html"))
    # A name or a prediction may hold a lone surrogate, which UTF-8 cannot encode.
    return text.encode("utf8", "replace").decode("utf8")


def _inert(value: Any) -> Any:
    """Data with interpreted characters written out, as in tables."""
    if isinstance(value, str):
        return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), value)
    if isinstance(value, dict):
        return {_inert(key): _inert(each) for key, each in value.items()}
    return [_inert(each) for each in value] if isinstance(value, list | tuple) else value


def embedded(data: object) -> str:
    """Data as JSON for a script element, which it can neither end nor turn into a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _verdict(number: int, group: GroupData) -> str:
    """A group's verdict as HTML, readable without scripts."""
    return f'<li><a href="#group-{number}">{escape(group["title"])}</a><span>{escape(group["verdict"])}</span></li>'


def _part(name: str) -> str:
    return files(_HERE).joinpath(name).read_text(encoding="utf8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
