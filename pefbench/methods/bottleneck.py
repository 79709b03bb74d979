"""Bottleneck adapters: small feed-forward layers put into each frozen transformer block."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pefbench.methods import PeftMethod
from pefbench.methods._activation import Activation  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Bottleneck(PeftMethod):
    """Sequential or parallel adapters, by `variant`.

    Houlsby et al. 2019 (arXiv:1902.00751), Pfeiffer et al. 2021 (arXiv:2005.00247), He et al. 2022 (arXiv:2110.04366).
    The norms stay frozen here; Houlsby et al. train them too (section 2.1).
    """

    learning_rate: ClassVar[float] = 1e-3
    searched: ClassVar = {"reduction_factor": (4, 8, 16, 32)}
    trainable_pattern: ClassVar[str] = r"\.bottleneck_(down|up|activation)\."

    variant: Literal["houlsby", "pfeiffer", "parallel", "scaled_parallel"] = Field(
        "houlsby", description="where the adapters are placed; see pefbench.methods.tuners.bottleneck"
    )
    reduction_factor: float = Field(
        16, gt=0, allow_inf_nan=False, description="hidden size / bottleneck size, which is at least 1"
    )
    bottleneck_size: int | None = Field(None, ge=1, description="the bottleneck's size itself; null: by the factor")
    activation: Activation = Field(
        "gelu", description="any activation of transformers; ReLU units may die at these learning rates"
    )
    scale: float | None = Field(None, gt=0, description="of the parallel variants; null: 4 for scaled_parallel, else 1")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout inside the bottleneck")

    def config(self, model: nn.Module) -> PeftConfig:  # noqa: ARG002 - the tuner finds its places by itself
        """Translate the options into the tuner's configuration."""
        from pefbench.methods.tuners.bottleneck import BottleneckConfig  # registered with PEFT by this import

        return BottleneckConfig(**self.model_dump(exclude={"name"}, exclude_none=True))


METHOD = Bottleneck
