"""BigBird's sparse attention, which short texts are too short for.

transformers goes over to full attention at the first batch that is too short, says so, and stays there: the answer to a
long text would depend on which batch came before it. Here each batch has the attention that its own length asks for,
and where no text can be long enough for the sparse one, the model is made with full attention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

FULL, SPARSE = "original_full", "block_sparse"


def settle(config: PretrainedConfig, longest: int) -> None:
    """Choose full attention in a config, in place, where the longest text has no more tokens than sparse needs."""
    if is_sparse(config) and longest <= _shortest(config):
        config.attention_type = FULL


def is_sparse(config: Any) -> bool:
    """Whether a model is BigBird with sparse attention."""
    return bool(config.model_type == "big_bird" and config.attention_type == SPARSE)


def follow_lengths(model: Any) -> None:
    """Let a model with sparse attention choose for each batch by its length."""
    if not is_sparse(model.config):
        return
    stacks: list[Any] = [module for module in model.modules() if type(module).__name__ == "BigBirdModel"]
    for stack in stacks:
        stack.register_forward_pre_hook(_choose, with_kwargs=True)


def _choose(stack: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
    # What is drawn for the new attention's layers, which those of the old one then replace, changes nothing.
    with torch.random.fork_rng(devices=[]):
        stack.set_attention_type(FULL if ids.shape[1] <= _shortest(stack.config) else SPARSE)


def _shortest(config: Any) -> int:
    """The longest text that is too short: the blocks at both ends, in the window, and drawn at random, twice."""
    return int((5 + 2 * config.num_random_blocks) * config.block_size)
