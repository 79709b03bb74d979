"""Choosing between candidates for a context."""

from __future__ import annotations

from typing import Any

import numpy as np

from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Array, Bundle
from pefbench.heads._pairs import cut, fitting


def answer(bundle: Bundle, given: Any) -> Answer:
    """The best candidate and all scores, for {"context", "candidates"}; {"context"} alone if candidates are fixed."""
    candidates = given.get("candidates") or bundle["candidates"] or given["candidates"]
    context, rows, types, truncated = bundle.ids(given["context"]), list[Array](), list[Array](), False
    room = bundle["max_length"] - len(bundle["before"]) - len(bundle["between"]) - len(bundle["after"])
    for candidate in map(bundle.ids, candidates):
        first = cut(context, fitting(len(context), len(candidate), room), bundle["keep"])
        second = candidate[: room - len(first)]
        parts = [bundle["before"], first, bundle["between"], second, bundle["after"]]
        rows.append(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts]))
        types.append(np.repeat(bundle["types"], [len(part) for part in parts]))
        truncated |= len(context) + len(candidate) > room
    logits = bundle.logits(rows, types)
    if logits.ndim == 3:  # one score per token: take the mean
        logits = np.stack([each[: len(row)].mean(0) for each, row in zip(logits, rows, strict=True)])
    scores = logits[:, 0].round(6)
    best = int(scores.argmax())
    return {"choice": best, "scores": scores.tolist(), "text": candidates[best], "truncated": truncated}


if __name__ == "__main__":
    main(answer)
