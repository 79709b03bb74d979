"""Prefix tuning: trained keys and values that every attention layer sees before the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from pefbench.errors import MethodError
from pefbench.methods._prompt_learning import PrefixStart, PromptLearning

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn

    from pefbench.methods.tuners.prefix_tokens import PrefixTokens


class Prefix(PromptLearning, PrefixStart):
    """Li and Liang 2021 (arXiv:2101.00190), section 4; deep prompts as in P-Tuning v2 (arXiv:2110.07602).

    An encoder and decoder get a prefix in the decoder's self-attentions, as PEFT has it.
    """

    learning_rate: ClassVar[float] = 1e-2
    searched: ClassVar = {"num_virtual_tokens": (4, 8, 16, 32)}

    num_virtual_tokens: int = Field(16, ge=1, description="length of the prefix")
    projection: bool = Field(
        default=False, description="reparameterise the prefix by an MLP while training (section 4.3)"
    )
    projection_size: int | None = Field(
        None, ge=1, description="hidden size of the reparameterisation MLP; null: the size of one layer's keys"
    )

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        """Refuse options that contradict each other."""
        if self.projection and self.init in {"text", "activations"}:
            raise MethodError(f"method.init: {self.init} sets the prefix, but with projection an MLP computes it")
        if self.projection_size is not None and not self.projection:
            raise MethodError("method.projection_size: applies to projection only, which is off")
        return self

    def config(self, model: nn.Module) -> PeftConfig:
        """Give PEFT the shape of the model's keys and values. Raises MethodError if the model cannot take a prefix."""
        from peft import PrefixTuningConfig

        from pefbench.methods.tuners import prefix_tokens

        shape = prefix_tokens.shape(model)
        return PrefixTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            prefix_projection=self.projection,
            encoder_hidden_size=self.projection_size,
            init_weights="zero" if self.init == "zero" else None,
            num_layers=shape.layers,
            num_attention_heads=shape.heads,
            token_dim=shape.heads * shape.size,
        )

    def attach(self, model: nn.Module) -> PrefixTokens:
        """The prefix in the attentions."""
        from pefbench.methods.tuners.prefix_tokens import PrefixTokens

        return PrefixTokens.attach(model)


METHOD = Prefix
