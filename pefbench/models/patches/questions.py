"""Arguments that PEFT's model for question answering does not pass on.

What: the `forward` of one PeftModelForQuestionAnswering. Why: it accepts `token_type_ids` and `position_ids` but passes
neither to the model inside, which then cannot tell a question from its context, while methods that PEFT does not wrap
can. Since: seen in PEFT 0.21; prompts have their own `forward` here. Undone with the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.models.patches.methods import replace

if TYPE_CHECKING:
    from torch import nn

NAME = "PeftModelForQuestionAnswering"


def hand_on(model: nn.Module) -> None:
    """Make PEFT's model for question answering pass on all arguments; in place. Other models are not changed."""
    wrapped: Any = model
    if type(model).__name__ == NAME and not wrapped.active_peft_config.is_prompt_learning:
        replace(model, "forward", _forward)


def _forward(model: nn.Module, *args: Any, **kwargs: Any) -> Any:
    from peft import PeftModel

    return PeftModel.forward(model, *args, **kwargs)
