"""One label for a text with two marked spans."""

import re

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer


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
    text, at = given["text"], [*(given.get("first") or ()), *(given.get("second") or ())]
    if not at:
        parts = re.split("(</?e[12]>)", text)
        if len(parts) > 9:
            raise ValueError("each of the four tags should occur once")
        places = dict(zip(parts[1::2], np.cumsum([len(part) for part in parts[:-1:2]]).tolist(), strict=True))
        text, at = "".join(parts[::2]), [places[tag] for tag in ("<e1>", "</e1>", "<e2>", "</e2>")]
    (start, end), (begin, last) = sorted([at[:2], at[2:]])
    if not 0 <= start < end <= begin < last <= len(text):
        raise ValueError(f"{at[:2]} and {at[2:]} should be two separate spans of a text of {len(text)} characters")
    written, done, signs = "", 0, [0, 0, 0, 0]
    for number in (0, 1, 2, 3) if at[0] < at[2] else (2, 3, 0, 1):
        written, done = written + text[done : at[number]], at[number]
        signs[number] = len(written) + number % 2
        written += ("$ ", " $", "# ", " #")[number]
    return written + text[done:], signs
