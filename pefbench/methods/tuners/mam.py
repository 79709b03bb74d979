"""MAM adapters for PEFT: a prefix in the attentions and scaled parallel adapters beside the feed-forwards.

He et al. 2022 (arXiv:2110.04366), section 4.6, "mix-and-match". One tuner holds both, so that they are saved and
loaded as one adapter. Importing this module registers it with PEFT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pefbench.methods.tuners.bottleneck import BottleneckModel
from pefbench.methods.tuners.bottleneck_config import BottleneckConfig
from pefbench.methods.tuners.prefix_tokens import PrefixTokens
from pefbench.methods.tuners.virtual_tokens import input_embeddings, text_stack
from pefbench.models.patches import peft_types

if TYPE_CHECKING:
    from torch import Tensor

NAME = "mam"
PREFIX = "mam_"


@dataclass
class MamConfig(BottleneckConfig):
    """Both parts: the fields of the bottleneck adapters, and the length of the prefix."""

    variant: str = "scaled_parallel"
    """As for bottleneck adapters; MAM is `scaled_parallel`."""
    num_virtual_tokens: int = 10
    """Length of the prefix."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = peft_types.member(NAME)


class MamModel(BottleneckModel):
    """The model with its adapters, and the prefixes, by adapter name."""

    prefix = PREFIX
    uses_shared_state = True
    """Makes PEFT refuse to add the adapter to a model without keeping the tuner, which holds the prefix."""

    virtual_tokens: MamTokens

    @property
    def active_peft_config(self) -> Any:
        """The active adapter's configuration, with the name that PEFT's own models use."""
        return self.peft_config[self.active_adapters[0]]

    def get_base_model(self) -> nn.Module:
        """The model under the adapters, likewise."""
        model: nn.Module = self.model
        return model

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Add the bottlenecks and a prefix (virtual tokens, numbers of one), initialised like PEFT's own."""
        shape = MamTokens.attach(self).shape
        super().inject_adapter(model, adapter_name, *args, **kwargs)
        if not hasattr(self, "mam_prefix"):
            self.mam_prefix = nn.ParameterDict()
        config = self.peft_config[adapter_name]
        weight = input_embeddings(text_stack(model)).weight
        numbers = torch.randn(config.num_virtual_tokens, shape.numbers)
        self.mam_prefix[adapter_name] = nn.Parameter(numbers.to(weight.device), requires_grad=not config.inference_mode)

    def _enable_adapter_layers(self, enabled: bool = True) -> None:  # noqa: FBT001, FBT002 - as PEFT calls it
        """Enable or disable the prefix along with the bottlenecks."""
        super()._enable_adapter_layers(enabled)
        self._adapters_disabled = not enabled


class MamTokens(PrefixTokens):
    """The prefix of a model with a MAM adapter; `model` is the tuner, which attaches it itself."""

    @property
    def weight(self) -> nn.Parameter:
        """The prefix."""
        weight: nn.Parameter = self.model.mam_prefix[self.model.active_adapters[0]]
        return weight

    def values(self) -> Tensor:
        """The prefix, shape (virtual tokens, numbers of one)."""
        return self.weight


def register() -> None:
    """Make the tuner known to PEFT; runs on import. Raises KeyError if PEFT has another method with this name."""
    peft_types.register(NAME, MamConfig, MamModel, PREFIX)


register()
