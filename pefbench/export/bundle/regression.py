"""A number for a text or a pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from pefbench.export.bundle._texts import text_logits
from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Bundle


def answer(bundle: Bundle, given: Any) -> Answer:
    """The score of a text or {"text", "pair"}, clipped to the range of the training scores."""
    logits, truncated = text_logits(bundle, given)
    score = np.clip(logits[0] * bundle["spread"] + bundle["mean"], bundle["lowest"], bundle["highest"])
    return {"score": float(score), "truncated": truncated}


if __name__ == "__main__":
    main(answer)
