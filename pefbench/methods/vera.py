"""VeRA: two trained vectors per linear layer, around random matrices that all layers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.methods import TargetedMethod

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


class Vera(TargetedMethod):
    """Kopiczko et al. 2024 (arXiv:2310.11454), equation 2: h = W x + b * (B (d * (A x))), A and B frozen and random.

    The random matrices are saved with the vectors: another version of torch might draw others from the same seed.
    """

    learning_rate: ClassVar[float] = 3e-2
    searched: ClassVar = {"rank": (64, 128, 256, 512)}
    trainable_pattern: ClassVar[str] = r"\.vera_lambda_[bd]\."
    merges: ClassVar[bool] = True

    rank: int = Field(256, ge=1, description="rows of A and columns of B; far more than in LoRA, at little cost")
    d_initial: float = Field(0.1, description="initial value of every entry of d; b starts from zero")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the input of A")
    projection_seed: int = Field(0, ge=0, description="seed of the random matrices")

    def config(self, model: nn.Module) -> PeftConfig:
        """Target the linear layers that the recipe names, or all of them."""
        from peft import VeraConfig

        from pefbench.models import linear_layers

        targets = self.targets(model)
        return VeraConfig(
            r=self.rank,
            d_initial=self.d_initial,
            vera_dropout=self.dropout,
            projection_prng_key=self.projection_seed,
            save_projection=True,
            fan_in_fan_out=any(linear_layers.is_transposed(model.get_submodule(name)) for name in targets),
            target_modules=targets,
        )

    def on_model_ready(self, model: nn.Module) -> None:
        """Make the adapted layers return what plain linear layers do."""
        from pefbench.methods.tuners import adapted_dtype

        adapted_dtype.settle(model)


METHOD = Vera
