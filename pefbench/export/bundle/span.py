"""The answer to a question in a context."""

from __future__ import annotations

import unicodedata  # noqa: F401 - `end_of` needs it
from typing import Any

import numpy as np

from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Array, Bundle
from pefbench.heads._pairs import end_of, fitting

Span = tuple[float, int, int]
"""A score, the first token and the last."""


def answer(bundle: Bundle, given: Any) -> Answer:
    """The answer span, its character offsets and its probability, for {"question", "context"}."""
    encoding = bundle.tokenizer.encode(given["context"], add_special_tokens=False)
    context, question_ids = np.asarray(encoding.ids, dtype=np.int64), bundle.ids(given["question"])
    before, between, after = (np.asarray(bundle[name], dtype=np.int64) for name in ("before", "between", "after"))
    room = bundle["max_length"] - len(before) - len(between) - len(after)
    question = question_ids[: fitting(len(question_ids), max(1, len(context)), room)]
    room -= len(question)
    overlap = bundle["max_length"] // 3 if bundle["overlap"] is None else bundle["overlap"]
    step = room - min(overlap, room // 2)
    starts = range(0, max(1, len(context) - room + step), step)
    windows = [context[start : start + room] for start in starts]
    rows = [np.concatenate([before, question, between, window, after]) for window in windows]
    sizes = [[len(part) for part in (before, question, between, window, after)] for window in windows]
    logits = bundle.logits(rows, [np.repeat(bundle["types"], each) for each in sizes])
    column = len(before) + len(question) + len(between)
    found: list[tuple[Span, int, float, float]] = []
    for start, window, row, scores in zip(starts, windows, rows, logits, strict=True):
        null = bundle["null"] if bundle["null"] >= 0 else len(row) - 1
        places = [*range(column, column + len(window)), null]
        total = sum(np.log(np.exp(each - each.max()).sum()) + each.max() for each in scores[places].T)
        found.append((best(scores[places[:-1]], bundle["max_answer_length"]), start, scores[null].sum(), total))
    (score, first, last), start, _, total = max(found, key=lambda one: one[0][0])
    least = min(found, key=lambda one: one[2])
    truncated = len(question_ids) > len(question)
    if not np.isfinite(score) or (bundle["no_answers"] and least[2] > score):
        chance = float(np.exp(least[2] - least[3]))
        return {"text": "", "start": None, "end": None, "score": chance, "truncated": truncated}
    begin = encoding.offsets[start + first][0]
    end = end_of(given["context"], encoding.offsets, start + last)
    text = given["context"][begin:end]
    begin += len(text) - len(text.lstrip())
    text = text.strip()
    place = {"start": begin, "end": begin + len(text)} if text else {"start": None, "end": None}
    return {"text": text, **place, "score": float(np.exp(score - total)), "truncated": truncated}


def best(scores: Array, longest: int) -> Span:
    """The best span in a window. scores: each token's scores as the first and the last of the span, (tokens, 2)."""
    ends = scores[:, 1]
    spans = [
        (ends[at : at + longest].max() + scores[at, 0], at, at + int(ends[at : at + longest].argmax()))
        for at in range(len(scores))
    ]
    return max(spans, key=lambda one: one[0], default=(-np.inf, 0, 0))


if __name__ == "__main__":
    main(answer)
