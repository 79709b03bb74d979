"""Prefix tuning: trained keys and values that every attention layer sees before the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods import PeftMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Prefix(PeftMethod):
    """Li and Liang 2021 (arXiv:2101.00190), section 4; deep prompts as in P-Tuning v2 (arXiv:2110.07602)."""

    learning_rate: ClassVar[float] = 1e-2
    trains: ClassVar[str] = r"^prompt_encoder\."

    num_virtual_tokens: int = Field(16, ge=1, description="length of the prefix")
    projection: bool = Field(
        default=False, description="reparameterise the prefix by an MLP while training (section 4.3)"
    )
    projection_size: int | None = Field(None, ge=1, description="that MLP's hidden size; null: the model's")

    def virtual_tokens(self) -> int:
        """Return the length of the prefix."""
        return self.num_virtual_tokens

    def config(self, model: nn.Module) -> PeftConfig:  # noqa: ARG002 - the base's signature
        """PEFT derives the layers, heads and sizes from the model's config."""
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            prefix_projection=self.projection,
            encoder_hidden_size=self.projection_size,
        )


METHOD = Prefix
