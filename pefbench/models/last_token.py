"""Makes XLNet summarise a text by its last token.

XLNet was pretrained with padding on the left, and its summary reads the last position. Batches here are padded on the
right, so the summary gets each row's last token instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY = "sequence_summary"


def follow_lengths(model: Any) -> None:
    """Make the summary of an XLNet read each row's last token. Raises SourceError if it would read padding."""
    if model.config.model_type != "xlnet" or not hasattr(model, SUMMARY) or model.config.summary_type == "first":
        return
    if model.config.summary_type != "last":
        raise SourceError(
            f"summary_type: {model.config.summary_type} in config.json would pool over padding; set it to last"
        )
    seen: dict[str, torch.Tensor] = {}  # in a closure, not on an object: PEFT copies the head with its hooks

    def note(_: Any, __: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        seen["last"] = kwargs["attention_mask"].sum(1) - 1

    def choose(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        states, last = args[0], seen["last"]
        return (states[torch.arange(len(states), device=states.device), last][:, None], *args[1:])

    model.transformer.register_forward_pre_hook(note, with_kwargs=True)
    model.get_submodule(SUMMARY).register_forward_pre_hook(choose)
