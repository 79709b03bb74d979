"""LoRA: low-rank updates added to the frozen linear maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods import TargetedMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Lora(TargetedMethod):
    """Hu et al. 2022 (arXiv:2106.09685), section 4.1: h = W x + (alpha / rank) B A x."""

    learning_rate: ClassVar[float] = 1e-3
    trains: ClassVar[str] = r"\.lora_[AB]\."
    merges: ClassVar[bool] = True

    rank: int = Field(8, ge=1, description="rows of A and columns of B")
    alpha: float = Field(16, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the input of A")

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear maps that the recipe names, or all of them."""
        from peft import LoraConfig

        return LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=self.targets(model)
        )

    def prepare(self, model: nn.Module) -> None:
        """Compute the plain layers in one pass each."""
        from pefbench.tuners import fused_lora

        fused_lora.fuse(model)


METHOD = Lora
