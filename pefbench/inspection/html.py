"""Renders an inspection as one HTML page without scripts or external files."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pefbench.inspection.record import Bin, Example, Inspection, Token

STYLE = """
:root { color-scheme: light dark; --line: #8884; --mark: #2a78d6; --bar: #2a78d6; --soft: #8882; }
@media (prefers-color-scheme: dark) { :root { --mark: #3987e5; --bar: #3987e5; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
.tokens { display: flex; flex-wrap: wrap; gap: .2rem; margin: .5rem 0; }
.token { display: inline-flex; flex-direction: column; font-family: ui-monospace, monospace; font-size: 13px;
  padding: 0 .2rem; background: var(--soft); border-radius: 3px; border-bottom: 2px solid transparent; }
.token.marked { border-bottom-color: var(--mark); }
.token small { font: 11px system-ui, sans-serif; color: var(--mark); }
.bar { display: inline-block; height: .8rem; background: var(--bar); border-radius: 0 3px 3px 0; }
.warning { border-left: 3px solid #eb6834; padding-left: .75rem; }
""".strip()


def page(inspection: Inspection) -> str:
    """The inspection as a complete HTML document."""
    title = f"{inspection.recipe}: what the model will see"
    body = "\n".join(
        [
            f"<h1>{_text(title)}</h1>",
            f"<p>{_text(inspection.task)} on {_text(inspection.model)}, max_length {inspection.max_length}</p>",
            *(f"<p>note: {_text(note)}</p>" for note in inspection.notes),
            *(f'<p class="warning">{_text(warning)}</p>' for warning in inspection.warnings),
            _splits(inspection),
            *(_lengths(name, split.lengths) for name, split in inspection.splits.items()),
            _labels(inspection),
            _list("Rows left out", inspection.skipped),
            f"<h2>Examples of {_text(inspection.shown)}</h2>",
            *map(_example, inspection.examples),
        ]
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _text(value: str) -> str:
    # A text may contain a lone surrogate, which UTF-8 cannot encode.
    return escape(value.encode("utf8", "replace").decode("utf8"))


def _table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{_text(each)}</th>" for each in headers)
    lines = ("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _splits(inspection: Inspection) -> str:
    rows = [
        [
            name,
            *(f"{each:,}" for each in (one.examples, one.tokens, one.longest, one.truncated, one.dropped)),
            f"{100 * one.unknown:.1f} %",
        ]
        for name, one in inspection.splits.items()
    ]
    return _table(["split", "examples", "tokens", "longest", "truncated", "duplicates dropped", "unknown tokens"], rows)


def _lengths(name: str, bins: Sequence[Bin]) -> str:
    most = max((each.examples for each in bins), default=1)
    rows = "".join(
        f'<tr><td>{each.low:,} to {each.high:,}</td><td style="text-align:left">'
        f'<span class="bar" style="width:{20 * each.examples / most:.2f}rem"></span> {each.examples:,}</td></tr>'
        for each in bins
    )
    return f"<h2>{_text(name)}: tokens per example before truncation</h2><table>{rows}</table>"


def _labels(inspection: Inspection) -> str:
    labels = dict.fromkeys(label for split in inspection.splits.values() for label in split.labels)
    if not labels:
        return ""
    rows = [[label, *(f"{each.labels.get(label, 0):,}" for each in inspection.splits.values())] for label in labels]
    return f"<h2>Labels</h2>{_table(['label', *inspection.splits], rows)}"


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return f"<h2>{_text(title)}</h2><ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _example(example: Example) -> str:
    reference = json.dumps(example.reference, ensure_ascii=False)
    rows = "".join(map(_row, example.rows))
    decoder = f"<p>decoder</p>{_row(example.decoder)}" if example.decoder else ""
    return f"<h3>{example.number}</h3><p>answer: <code>{_text(reference)}</code></p>{rows}{decoder}"


def _row(tokens: Sequence[Token]) -> str:
    cells = (
        f'<span class="token{" marked" if token.mark else ""}">{_text(token.text)}'
        f"{f'<small>{_text(token.mark)}</small>' if token.mark else ''}</span>"
        for token in tokens
    )
    return f'<div class="tokens">{"".join(cells)}</div>'
