"""Any number of labels for a text or a pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from pefbench.export.bundle._texts import text_logits
from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Bundle


def answer(bundle: Bundle, given: Any) -> Answer:
    """The labels that reach their thresholds, and all probabilities, for a text or {"text", "pair"}."""
    logits, truncated = text_logits(bundle, given)
    chances = dict(zip(bundle["labels"], (1 / (1 + np.exp(-logits))).tolist(), strict=True))
    labels = [label for label, threshold in bundle["thresholds"].items() if chances[label] >= threshold]
    return {"labels": labels, "probabilities": chances, "truncated": truncated}


if __name__ == "__main__":
    main(answer)
