"""LoHa: updates that are the element-wise product of two low-rank matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods._linear import LinearMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class LoHa(LinearMethod):
    """Hyeon-Woo et al. 2022 (FedPara, arXiv:2108.06098), proposition 1: up to rank squared with twice LoRA's weights.

    As an update, scaled by alpha / rank: Yeh et al. 2024 (LyCORIS, arXiv:2309.14859), section 3.
    """

    learning_rate: ClassVar[float] = 3e-3
    searched: ClassVar = {"rank": (4, 8, 16, 32)}
    dropout_by_example: ClassVar[bool] = False
    trainable_pattern: ClassVar[str] = r"\.hada_w[12]_[ab]\."
    merges: ClassVar[bool] = True
    adapts_quantised: ClassVar[bool] = False

    rank: int = Field(8, ge=1, description="rank of each of the two factors; that of their product is up to its square")
    alpha: float = Field(8, gt=0, description="the update is scaled by alpha / rank")
    module_dropout: float = Field(0.0, ge=0, lt=1, description="probability of dropping a whole update in a step")

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear layers that the recipe names, or all of them."""
        from peft import LoHaConfig

        return LoHaConfig(
            r=self.rank, alpha=self.alpha, module_dropout=self.module_dropout, target_modules=self.targets(model)
        )


METHOD = LoHa
