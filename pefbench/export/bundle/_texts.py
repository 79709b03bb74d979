"""Whole texts, or pairs of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pefbench.export.bundle.common import Array, Bundle


def text_logits(bundle: Bundle, given: Any) -> tuple[Array, bool]:
    """The logits for a text or {"text", "pair"}, and whether it was cut. Logits per token are averaged."""
    text, pair = (given, None) if isinstance(given, str) else (given["text"], given.get("pair"))
    pair = pair if pair and pair.strip() else None
    bundle.tokenizer.enable_truncation(bundle["max_length"], direction=bundle["cut"])
    encoding = bundle.tokenizer.encode(text, None if pair is None else bundle["before_pair"] + pair)
    end = bundle["end"]
    parts = zip(encoding.ids, encoding.type_ids, encoding.special_tokens_mask, strict=True)
    # Drop the added end tokens, but keep those that the text itself spells out.
    kept = [(token, kind) for token, kind, special in parts if special or token != end] or [(bundle["end"], 0)]
    ids, types = np.asarray(kept, dtype=np.int64).T
    logits = bundle.logits([ids], [types if pair is not None else np.zeros_like(types)])[0]
    return logits if logits.ndim == 1 else logits.mean(0), bool(encoding.overflowing)
