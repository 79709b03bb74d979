"""Documents that lines in a file mark, such as ``-DOCSTART-``: the name of the one that a sentence is from."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def names(lines: Sequence[str], begins: Callable[[str], bool]) -> Callable[[int], str]:
    """Return a function: the number of a line, from 1 -> the name of its document; "" if no line begins a document.

    The lines before the first that begins a document are a document, too. A name depends only on what the document
    contains, so that a document keeps its split if others are added before it.
    """
    starts = [at for at, line in enumerate(lines) if begins(line)]
    if not starts:
        return lambda _: ""
    edges = zip([0, *(at + 1 for at in starts)], [*starts, len(lines)], strict=True)
    found = [name(lines[first:end]) for first, end in edges]
    return lambda number: found[bisect_right(starts, number - 1)]


def name(lines: Sequence[str]) -> str:
    """The name of a document of these lines."""
    content = "\n".join(line.rstrip() for line in lines).strip()
    return f"document {hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
