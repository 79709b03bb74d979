"""One label for a text or a pair."""

from __future__ import annotations

from typing import Any

from pefbench.export.bundle._texts import text_logits
from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Bundle, softmax


def answer(bundle: Bundle, given: Any) -> Answer:
    """The most likely label and all probabilities, for a text or {"text", "pair"}."""
    logits, truncated = text_logits(bundle, given)
    chances = dict(zip(bundle["labels"], softmax(logits).tolist(), strict=True))
    label = bundle["labels"][int(logits.argmax())]
    return {"label": label, "score": chances[label], "probabilities": chances, "truncated": truncated}


if __name__ == "__main__":
    main(answer)
