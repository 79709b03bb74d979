"""Renders an inspection as text for a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench import remarks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pefbench.inspection.record import Bin, Example, Inspection, Token

WIDTH = 110
BAR = 40
LABELS = 20
"""The most labels shown per split; the rest are counted."""
SKIPPED = 10
"""The most bad rows listed."""
SAME = "..."
"""Printed below a token with the same mark as the token before it."""


def render(inspection: Inspection) -> str:
    """The whole inspection as lines of text; no line contains a control character."""
    parts = [
        [f"{inspection.recipe}: {inspection.task} on {inspection.model}, max_length {inspection.max_length}"],
        _splits(inspection),
        *(_lengths(name, split.lengths, inspection.max_length) for name, split in inspection.splits.items()),
        _labels(inspection),
        remarks.lines(inspection.notes, inspection.warnings),
        [f"skipped: {row}" for row in inspection.skipped[:SKIPPED]],
        *(_example(example, inspection.shown) for example in inspection.examples),
    ]
    return "\n\n".join("\n".join(map(printable, lines)) for lines in parts if lines)


def printable(line: str) -> str:
    """A line without characters that move the cursor: control characters and lone surrogates are written out."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )


def _splits(inspection: Inspection) -> list[str]:
    rows = [
        [name, one.examples, one.tokens, one.longest, one.truncated, one.dropped, f"{100 * one.unknown:.1f} %"]
        for name, one in inspection.splits.items()
    ]
    headers = ["split", "examples", "tokens", "longest", "truncated", "duplicates dropped", "unknown tokens"]
    return tabulate(rows, headers, intfmt=",").splitlines()


def _lengths(name: str, bins: Sequence[Bin], limit: int) -> list[str]:
    if not bins:
        return []
    most = max(each.examples for each in bins)
    wide = len(f"{bins[-1].high:,}")
    return [f"{name}: tokens per example before truncation at {limit}"] + [
        f"  {each.low:>{wide},} to {each.high:>{wide},}  {'#' * -(-BAR * each.examples // most):<{BAR}}  "
        f"{each.examples:,}{'  over the limit' if each.low > limit else ''}"
        for each in bins
    ]


def _labels(inspection: Inspection) -> list[str]:
    labels = list(dict.fromkeys(label for split in inspection.splits.values() for label in split.labels))
    if not labels:
        return []
    rows = [
        [printable(label), *(split.labels.get(label, 0) for split in inspection.splits.values())]
        for label in labels[:LABELS]
    ]
    more = [f"... and {len(labels) - LABELS} more labels"] if len(labels) > LABELS else []
    return [*tabulate(rows, ["label", *inspection.splits], intfmt=",").splitlines(), *more]


def _example(example: Example, split: str) -> list[str]:
    lines = [f"{split} example {example.number}, answer {json.dumps(example.reference, ensure_ascii=False)}"]
    for number, row in enumerate(example.rows):
        if len(example.rows) > 1:
            lines.append(f"row {number + 1} of {len(example.rows)}")
        lines += _aligned(row)
    if example.decoder:
        lines += ["decoder", *_aligned(example.decoder)]
    return lines


def _aligned(tokens: Sequence[Token]) -> Iterator[str]:
    """Tokens in lines of WIDTH; below each line the marks of its tokens, if there are any."""
    for line in _wrapped(tokens):
        cells = [(token.text, mark, max(len(token.text), len(mark))) for token, mark in line]
        yield "  " + " ".join(f"{text:<{width}}" for text, _, width in cells).rstrip()
        if any(mark for _, mark, _ in cells):
            yield "  " + " ".join(f"{mark:<{width}}" for _, mark, width in cells).rstrip()


def _wrapped(tokens: Iterable[Token]) -> Iterator[list[tuple[Token, str]]]:
    """Tokens with their marks, in lines of WIDTH; repeats of a long mark within a line become dots."""
    line: list[tuple[Token, str]] = []
    used = 0
    for token in tokens:
        same = bool(line) and line[-1][0].mark == token.mark and len(token.mark) > len(SAME)
        mark = SAME if same else token.mark
        width = max(len(token.text), len(mark)) + 1
        if line and used + width > WIDTH:
            yield line
            line, used, mark = [], 0, token.mark
            width = max(len(token.text), len(mark)) + 1
        line.append((token, mark))
        used += width
    if line:
        yield line
