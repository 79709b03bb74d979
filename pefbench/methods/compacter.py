"""Compacter: bottleneck adapters whose matrices are sums of Kronecker products with rank-one factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pefbench.methods import PeftMethod
from pefbench.methods._activation import Activation  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Compacter(PeftMethod):
    """Karimi Mahabadi et al. 2021 (arXiv:2106.04647), section 3; sizes and the rule's start as in their code.

    The norms stay frozen here, as with the other adapters; the authors train them too. Their code draws the factors
    with a gain of sqrt(2), here it is 1, and learns at 3e-3.
    """

    learning_rate: ClassVar[float] = 3e-2
    searched: ClassVar = {"reduction_factor": (4, 8, 16, 32)}
    trainable_pattern: ClassVar[str] = r"\.bottleneck_(rule|down|up|activation)\."
    why_not_sharded: ClassVar[str] = "all layers share one weight, and FSDP shards layer by layer; use bottleneck"

    variant: Literal["houlsby", "pfeiffer"] = Field(
        "houlsby", description="after attention and feed-forward; pfeiffer: after the feed-forward only, Compacter++"
    )
    reduction_factor: float = Field(
        32, gt=0, allow_inf_nan=False, description="hidden size / bottleneck size, which is a multiple of phm_dim"
    )
    bottleneck_size: int | None = Field(None, ge=1, description="the bottleneck's size itself; null: by the factor")
    phm_dim: int = Field(4, ge=1, description="n, Kronecker products in a sum; divides hidden and bottleneck size")
    phm_rank: int = Field(1, ge=1, description="rank of the larger factor of each product")
    activation: Activation = Field("gelu", description="any activation of transformers")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout inside the bottleneck")

    def config(self, model: nn.Module) -> PeftConfig:  # noqa: ARG002 - the tuner finds its places by itself
        """Translate the options into the tuner's configuration."""
        from pefbench.methods.tuners.bottleneck import BottleneckConfig  # registered with PEFT by this import

        return BottleneckConfig(**self.model_dump(exclude={"name"}, exclude_none=True))


METHOD = Compacter
