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
    text, places, written = given["text"], {}, ""
    signs = {"<e1>": "$ ", "</e1>": " $", "<e2>": "# ", "</e2>": " #"}
    if given.get("first") is not None:
        spans = [(given["first"], 1), (given["second"], 2)]
        for (start, end), number in sorted(spans, reverse=True):
            text = f"{text[:start]}<e{number}>{text[start:end]}</e{number}>{text[end:]}"
    for part in re.split("(</?e[12]>)", text):
        places[part] = len(written) + part.startswith("</")
        written += signs.get(part, part)
    return written, [places[tag] for tag in signs]
