"""BOFT: orthogonal fine-tuning by a product of sparse rotations, a butterfly that reaches beyond the blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods._blocks import BlockMethod
from pefbench.methods._vectors import VectorsMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peft import PeftConfig
    from torch import nn


class Boft(BlockMethod, VectorsMethod):
    """Liu et al. 2024 (arXiv:2311.06243), section 4; blocks and factors as in its table 1, BOFT(m=2, b=8).

    As in PEFT, a scale vector on the output is trained too, and a rotation has more weights than degrees of freedom.
    """

    learning_rate: ClassVar[float] = 1e-3
    dropout_by_example: ClassVar[bool] = False
    trainable_pattern: ClassVar[str] = r"\.boft_[Rs]\."
    vectors: ClassVar[str] = ".boft_s."
    usual_block: ClassVar[int] = 8

    butterfly_factors: int = Field(2, ge=1, description="matrices in the product; 1: OFT with a scale")
    dropout: float = Field(0.0, ge=0, lt=1, description="fraction of the blocks left at the identity in a step")

    def config(self, model: nn.Module) -> PeftConfig:
        """Choose blocks that fit the linear layers that the recipe names, or all of them."""
        from peft import BOFTConfig

        from pefbench.methods.tuners import butterfly

        butterfly.register()
        targets = self.targets(model)
        return BOFTConfig(
            boft_block_size=self.fitting_block(model, targets, factors=self.butterfly_factors),
            boft_n_butterfly_factor=self.butterfly_factors,
            boft_dropout=self.dropout,
            target_modules=targets,
        )

    def on_model_ready(self, model: nn.Module) -> None:
        """Rotate block by block, instead of multiplying matrices that are mostly zeros."""
        from pefbench.methods.tuners import butterfly

        super().on_model_ready(model)
        butterfly.fuse(model)

    def fast_paths(self, model: nn.Module) -> Sequence[str]:
        """The fused layers, which rotate block by block."""
        from pefbench.methods.tuners import butterfly

        return ["fused_butterfly"] if butterfly.fused(model) else []

    def undo_fast_paths(self, model: nn.Module) -> None:
        """Compute as PEFT does."""
        from pefbench.methods.tuners import butterfly

        butterfly.undo(model)


METHOD = Boft
