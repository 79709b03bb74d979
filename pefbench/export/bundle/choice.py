"""Choosing between candidates for a context."""

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.start import InputError, text_of


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The best candidate and all scores, for {"context", "candidates"}; {"context"} alone if candidates are fixed."""
    candidates = given.get("candidates") or settings["candidates"]
    listed = candidates if isinstance(candidates, list) else []
    if len(listed) < 2 or not all(isinstance(each, str) and each.strip() for each in listed):
        raise InputError("candidates should be a list of at least two texts")
    context = tokenizer.encode(text_of(given, "context"), add_special_tokens=False).ids
    before, between, after, room = (settings[name] for name in ("before", "between", "after", "room"))
    scores, truncated = [], False
    for candidate in candidates:
        ids = tokenizer.encode(candidate, add_special_tokens=False).ids
        longest = max(room // 2, room - len(ids))  # a context is cut to half of the room at most
        first = context[:longest]  # only keep_start
        first = context[-longest:]  # only keep_end
        second = ids[: room - len(first)]
        truncated |= len(context) + len(ids) > room
        row = {"input_ids": [*before, *first, *between, *second, *after]}
        row["attention_mask"] = [1] * len(row["input_ids"])
        lengths = [len(part) for part in (before, first, between, second, after)]
        row["token_type_ids"] = np.repeat(settings["types"], lengths)
        inputs = {each.name: np.asarray([row[each.name]], dtype=np.int64) for each in session.get_inputs()}
        scores.append(session.run(None, inputs)[0].mean(dtype=np.float64).round(6))
    best = int(np.argmax(scores))
    return {"choice": best, "scores": [*map(float, scores)], "text": candidates[best], "truncated": truncated}
