"""One label for a text with two marked spans."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np

from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Bundle, softmax
from pefbench.heads.marked import MARKS, _nearest, mark  # noqa: F401 - `mark` needs it

TAG = re.compile(r"</?e[12]>")


def answer(bundle: Bundle, given: Any) -> Answer:
    """The most likely label and all probabilities, for a text with tags or {"text", "first", "second"}."""
    text, marks = mark(spans(given))
    encoding = bundle.tokenizer.encode(text, add_special_tokens=False)
    ends = [end for _, end in encoding.offsets]
    at = np.asarray([min(int(np.searchsorted(ends, place, side="right")), len(ends) - 1) for place in marks])
    before, after = bundle["before"], bundle["after"]
    kept = _nearest(len(ends), at, bundle["max_length"] - len(before) - len(after))
    row = np.concatenate([before, np.asarray(encoding.ids)[kept], after]).astype(np.int64)
    columns = len(before) + np.searchsorted(kept, at)
    places = [*columns[1::2], len(row) - 1] if bundle["causal"] else [*columns[::2]]
    labels = bundle["labels"]
    each = bundle.logits([row])[0][places].reshape(len(places), len(places), len(labels))
    logits = each[range(len(places)), range(len(places))].sum(0)
    chances = dict(zip(labels, softmax(logits).tolist(), strict=True))
    label = labels[int(logits.argmax())]
    return {"label": label, "score": chances[label], "probabilities": chances, "truncated": len(kept) < len(ends)}


def spans(given: Any) -> Any:
    """The text without tags, and the character offsets of its two spans."""
    if not isinstance(given, str) and given.get("first") is not None:
        return SimpleNamespace(text=given["text"], first=tuple(given["first"]), second=tuple(given["second"]))
    given = given if isinstance(given, str) else given["text"]
    at, removed = {}, 0
    for tag in TAG.finditer(given):
        at[tag[0]] = tag.start() - removed
        removed += len(tag[0])
    first, second = (at["<e1>"], at["</e1>"]), (at["<e2>"], at["</e2>"])
    return SimpleNamespace(text=TAG.sub("", given), first=first, second=second)


if __name__ == "__main__":
    main(answer)
