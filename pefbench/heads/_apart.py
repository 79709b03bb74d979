"""Keeps several examples in one row apart: each attends only to itself, and has its own positions.

In a batch with `SEGMENTS`, each position holds the number of its example in the row, or -1 for padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SEGMENTS = "segments"
"""The key of the tensor that says which example a token belongs to, (rows, length)."""


def apart(model: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The decoder's inputs with a mask (rows, 1, length, length) instead of segments: no example sees another.

    Attention is allowed where the mask is True, or 0. Padding attends to the padding before it, because a position that
    attends to nothing has no defined output.
    """
    if SEGMENTS not in given:
        return given
    import torch

    from pefbench.models.architecture import unwrap

    segments = given[SEGMENTS]
    length = segments.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    seen = ((segments[:, :, None] == segments[:, None, :]) & causal)[:, None]
    attention = getattr(unwrap(getattr(model, "module", model)).config, "_attn_implementation", "eager")
    if attention != "sdpa":
        seen = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, torch.finfo(torch.float32).min)
    rest = {name: tensor for name, tensor in given.items() if name != SEGMENTS}
    return {**rest, "attention_mask": seen}
