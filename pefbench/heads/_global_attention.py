"""Global attention of Longformer and LED: tokens that attend to the whole text, and to which the whole text attends.

Beltagy et al. 2020 (arXiv:2004.05150), section 3.1: the first token for classification, the question for question
answering. Here it is the first token of every row, and the whole first text in a row of two texts, such as a question
and its context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MASK = "global_attention_mask"
KINDS = {"longformer", "led"}


def global_attention(model: Any, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mask (rows, length) for a batch's `input_ids`; an empty dictionary for other models."""
    config: Any = getattr(getattr(model, "module", model), "config", None)  # DDP has the model in `module`
    if getattr(config, "model_type", None) not in KINDS:
        return {}
    ids, seen = batch["input_ids"], batch["attention_mask"].bool()
    end = config.sep_token_id if getattr(config, "sep_token_id", None) is not None else config.eos_token_id
    ends = seen & (ids == end)
    length = seen.shape[1]
    last = length - 1 - seen.flip(1).int().argmax(1, keepdim=True)
    first_end = ends.int().argmax(1, keepdim=True)
    is_pair = ends.any(1, keepdim=True) & (first_end < last)
    places = ids.new_tensor(range(length))[None]
    in_first_text = is_pair & (places < first_end)
    starts = places == seen.int().argmax(1, keepdim=True)
    return {MASK: (seen & (in_first_text | starts)).to(ids.dtype)}
