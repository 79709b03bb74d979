"""OFT: the input of each linear layer is rotated by a trained block-diagonal orthogonal matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pefbench.methods._blocks import BlockMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Oft(BlockMethod):
    """Qiu et al. 2023 (arXiv:2306.07280), section 3: W R x, which keeps the angles between the rows of W.

    The rotations start at the identity. PEFT reads a dropout for them and does not use it, so there is none here.
    """

    learning_rate: ClassVar[float] = 1e-3
    trainable_pattern: ClassVar[str] = r"\.oft_R\."
    usual_block: ClassVar[int] = 32

    shared: bool = Field(default=False, description="one rotation for all blocks of a linear layer")
    cayley: Literal["exact", "neumann"] = Field(
        "exact",
        description="how the Cayley transform inverts its matrix: exactly, as in the paper, or by the first five terms "
        "of the Neumann series (OFTv2, arXiv:2506.19847), which is faster, but only approximately orthogonal",
    )

    def config(self, model: nn.Module) -> PeftConfig:
        """Choose blocks that fit the linear layers that the recipe names, or all of them."""
        from peft import OFTConfig

        targets = self.targets(model)
        return OFTConfig(
            oft_block_size=self.fitting_block(model, targets),
            block_share=self.shared,
            use_cayley_neumann=self.cayley == "neumann",
            target_modules=targets,
        )


METHOD = Oft
