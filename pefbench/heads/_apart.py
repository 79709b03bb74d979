"""Several examples in one row, kept apart: each attends to itself alone, and has positions of its own.

A batch with `SEGMENTS` has in each place the number of its example in the row, and -1 where nothing stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SEGMENTS = "segments"
"""The name of what tells the examples of a row apart, (rows, length)."""


def apart(model: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a decoder is given so that no example sees another: a mask (rows, 1, length, length) in place of theirs.

    Where it is True, or 0, attention goes; where nothing stands, a place attends to the empty ones before it, as one
    that attends to nothing has no output.
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
