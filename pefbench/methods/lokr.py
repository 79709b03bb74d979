"""LoKr: updates that are the Kronecker product of a small matrix and a larger one of low rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods._linear import LinearMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class LoKr(LinearMethod):
    """Yeh et al. 2024 (LyCORIS, arXiv:2309.14859), section 3: the update is C ⊗ (B A), scaled by alpha / rank."""

    learning_rate: ClassVar[float] = 3e-3
    searched: ClassVar = {"rank": (4, 8, 16, 32)}
    dropout_by_example: ClassVar[bool] = False
    trainable_pattern: ClassVar[str] = r"\.lokr_w[12](_[ab])?\."
    merges: ClassVar[bool] = True
    adapts_quantised: ClassVar[bool] = False

    rank: int = Field(
        8, ge=1, description="rank of the larger Kronecker factor, which is kept full where that takes no more weights"
    )
    alpha: float = Field(8, gt=0, description="the update is scaled by alpha / rank")
    factor: int | None = Field(
        None,
        ge=2,
        description="maximum number of rows and columns of the smaller Kronecker factor; null: about the square root "
        "of the layer's",
    )
    decompose_both: bool = Field(
        default=False, description="factorise the smaller Kronecker factor too, if its rank is above `rank`"
    )
    module_dropout: float = Field(0.0, ge=0, lt=1, description="probability of dropping a whole update in a step")

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear layers that the recipe names, or all of them."""
        from peft import LoKrConfig

        return LoKrConfig(
            r=self.rank,
            alpha=self.alpha,
            decompose_factor=self.factor or -1,
            decompose_both=self.decompose_both,
            module_dropout=self.module_dropout,
            target_modules=self.targets(model),
        )


METHOD = LoKr
