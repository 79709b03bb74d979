"""BigBird's sparse attention, which does not support short texts.

transformers switches to full attention at the first batch that is too short, prints a notice, and does not switch back:
the answer to a long text would depend on the batches before it. Here each batch gets the attention for its own length.
If no text can be long enough for sparse attention, the model is made with full attention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

FULL, SPARSE = "original_full", "block_sparse"


def settle(config: PretrainedConfig, longest: int) -> None:
    """Set full attention in a config, in place, if the longest text is too short for sparse attention."""
    if is_sparse(config) and longest <= _shortest(config):
        config.attention_type = FULL


def is_sparse(config: Any) -> bool:
    """Whether a model is BigBird with sparse attention."""
    return bool(config.model_type == "big_bird" and config.attention_type == SPARSE)


def follow_lengths(model: Any) -> None:
    """Make a model with sparse attention choose it for each batch by the batch's length."""
    if not is_sparse(model.config):
        return
    stacks: list[Any] = [module for module in model.modules() if type(module).__name__ == "BigBirdModel"]
    for stack in stacks:
        stack.register_forward_pre_hook(_choose, with_kwargs=True)


def _choose(stack: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
    # The random initialisation of the new attention has no effect: the old one's layers replace its layers.
    with torch.random.fork_rng(devices=[]):
        stack.set_attention_type(FULL if ids.shape[1] <= _shortest(stack.config) else SPARSE)


def _shortest(config: Any) -> int:
    """The longest text that is too short: twice the blocks at both ends, in the window, and random ones."""
    return int((5 + 2 * config.num_random_blocks) * config.block_size)
