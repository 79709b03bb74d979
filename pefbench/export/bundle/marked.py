"""One label for a text with two marked spans."""

import re

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.start import InputError, text_of


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The likeliest label and the probabilities of all, for {"text"} with tags or {"text", "first", "second"}."""
    text, marks = marked(given)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    ends, before = [end for _, end in encoding.offsets], settings["before"]
    at = np.searchsorted(ends, marks, side="right").clip(max=len(ends) - 1)
    distances = np.abs(np.arange(len(ends))[:, None] - at).min(1)
    kept = np.sort(np.argsort(distances, kind="stable")[: settings["room"]])  # the tokens nearest to a mark
    ids = [*before, *np.asarray(encoding.ids)[kept], *settings["after"]]
    columns = len(before) + np.searchsorted(kept, at)
    read = columns[::2]  # the opening marks  # unless causal
    read = [*columns[1::2], len(ids) - 1]  # the closing marks and the end  # only causal
    row = np.asarray([ids], dtype=np.int64)
    logits = session.run(None, {"input_ids": row, "attention_mask": np.ones_like(row)})[0][0][read].astype(np.float64)
    logits = np.einsum("iil->l", logits.reshape(len(read), len(read), -1))  # at each place, its own outputs
    softmax = np.exp(logits - np.logaddexp.reduce(logits))
    chances = dict(zip(settings["labels"], softmax.tolist(), strict=True))
    label = settings["labels"][logits.argmax()]
    return {"label": label, "score": chances[label], "probabilities": chances, "truncated": len(kept) < len(ends)}


def marked(given: dict) -> tuple[str, list[int]]:
    """The text with signs around its two spans, and the characters that are signs."""
    text, spans = text_of(given, "text"), [given.get("first") or [], given.get("second") or []]
    if not any(spans):
        parts = re.split("(</?e[12]>)", text)
        places = dict(zip(parts[1::2], np.cumsum([len(part) for part in parts[:-1:2]]).tolist(), strict=True))
        if not len(places) == len(parts) // 2 == 4:
            raise InputError("each of the tags <e1>, </e1>, <e2> and </e2> should occur once")
        text, spans = "".join(parts[::2]), [[places[f"<e{tag}>"], places[f"</e{tag}>"]] for tag in (1, 2)]
    if not all(isinstance(span, list) and [*map(type, span)] == [int, int] for span in spans):
        raise InputError("first and second should be the first character and the one after the last: [0, 4]")
    (start, end), (begin, last) = sorted(spans)
    if not 0 <= start < end <= begin < last <= len(text):
        raise InputError(f"{spans[0]} and {spans[1]} should be two separate spans of {len(text)} characters")
    at = [*spans[0], *spans[1]]
    written, done, signs = "", 0, [0, 0, 0, 0]
    for number in (0, 1, 2, 3) if at[0] < at[2] else (2, 3, 0, 1):
        written, done = written + text[done : at[number]], at[number]
        signs[number] = len(written) + number % 2
        written += ("$ ", " $", "# ", " #")[number]
    return written + text[done:], signs
