"""MAM adapters: a short prefix in the attentions and scaled parallel adapters beside the feed-forwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pefbench.methods import at_own_rate
from pefbench.methods._activation import Activation  # noqa: TC001 - pydantic reads it
from pefbench.methods._prompt_learning import PrefixStart

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads import Encoded
    from pefbench.methods._types import ParameterGroup
    from pefbench.methods.tuners.prefix_tokens import PrefixTokens


class Mam(PrefixStart):
    """He et al. 2022 (arXiv:2110.04366), section 4.6: little capacity in the attentions, most in the feed-forwards.

    For BART-large (hidden size 1024) they take 30 virtual tokens and bottlenecks of 512. The defaults keep that order
    of sizes, but train about 1 % of a small encoder instead of a tenth.
    """

    learning_rate: ClassVar[float] = 5e-4
    searched: ClassVar = {"reduction_factor": (4, 8, 16, 32)}
    trainable_pattern: ClassVar[str] = r"\.bottleneck_(down|up|activation)\.|\.mam_prefix\."

    num_virtual_tokens: int = Field(10, ge=1, description="length of the prefix")
    prefix_learning_rate_ratio: float = Field(
        10, gt=0, description="the prefix's learning rate / that of the adapters and the head"
    )
    reduction_factor: float = Field(8, gt=0, allow_inf_nan=False, description="hidden size / bottleneck size")
    bottleneck_size: int | None = Field(None, ge=1, description="the bottleneck's size itself; null: by the factor")
    activation: Activation = Field(
        "gelu", description="any activation of transformers; ReLU units may die at these learning rates"
    )
    scale: float = Field(4, gt=0, description="factor on the adapters' output")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout inside the bottleneck")

    def config(self, model: nn.Module) -> PeftConfig:  # noqa: ARG002 - the tuner finds its places by itself
        """Translate the options into the tuner's configuration."""
        from pefbench.methods.tuners.mam import MamConfig

        ours = {"name", "init", "init_text", "prefix_learning_rate_ratio"}
        return MamConfig(**self.model_dump(exclude=ours, exclude_none=True))

    def attach(self, model: nn.Module) -> PrefixTokens:
        """The prefix in the attentions, which the tuner has inserted itself."""
        tuner: Any = model.base_model
        tokens: PrefixTokens = tuner.virtual_tokens
        return tokens

    def on_train_begin(
        self, model: nn.Module, tokenizer: PreTrainedTokenizerFast, encoded: Encoded, steps: int
    ) -> None:
        """Initialise the prefix as `init` says; the tuner draws it at random."""
        super().on_train_begin(model, tokenizer, encoded, steps)
        if self.init == "zero":
            self.attach(model).weight.data.zero_()

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[ParameterGroup]:
        """The base's groups, with the prefix in a separate group."""
        groups = super().parameter_groups(model, learning_rate, weight_decay)
        rate = learning_rate * self.prefix_learning_rate_ratio
        return at_own_rate(groups, [self.attach(model).weight], rate)


METHOD = Mam
