"""One adapted linear layer: the frozen layer with its bottleneck adapters, one per adapter name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import ACT2FN

from pefbench.errors import MethodError
from pefbench.methods.tuners.phm import PhmLinear, new_rule
from pefbench.models import linear_layers

if TYPE_CHECKING:
    from pefbench.methods.tuners.bottleneck_config import BottleneckConfig


class BottleneckLayer(nn.Module, BaseTunerLayer):  # type: ignore[misc]
    """A linear layer `base_layer` that outputs the hidden state, with bottleneck adapters after it or in parallel.

    With h (..., hidden) the base layer's output, and f the activation:

    - sequential (`houlsby`, `pfeiffer`): h <- h + s * (f(h W_down + b_down) W_up + b_up)
    - parallel (`parallel`, `scaled_parallel`): the same, but the inner h is x (..., hidden), the input of the
      feed-forward. `read_from` sets the linear layer that gets x.

    x is kept from that layer's call to this one's, within one forward pass of the feed-forward, and no longer. Gradient
    checkpointing runs both again, so it sees the x of its own pass. Several active adapters run in order, each on the
    output of the one before.

    In a Compacter, W_down and W_up are computed from this layer's factors and a rule that one layer holds for all.
    """

    adapter_layer_names = ("bottleneck_rule", "bottleneck_down", "bottleneck_activation", "bottleneck_up")
    other_param_names = ("options", "rule_owners")
    active_adapters: list[str]  # these two are properties of PEFT's base class
    disable_adapters: bool

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        _, self.hidden_size = linear_layers.features(base_layer)
        self.base_layer = base_layer
        self.bottleneck_rule = nn.ParameterDict()  # of the Compacters whose rule is held here
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_activation = nn.ModuleDict()  # holds weights for activations such as PReLU
        self.bottleneck_up = nn.ModuleDict()
        self.options: dict[str, BottleneckConfig] = {}
        self.rule_owners: dict[str, BottleneckLayer] = {}  # a dict: not registered as submodules
        self._input_hook: Any = None
        self._feed_forward_input: Tensor | None = None

    def add_adapter(
        self, name: str, config: BottleneckConfig, where: str = "", rule_owner: BottleneckLayer | None = None
    ) -> None:
        """Add a newly initialised adapter, on the device and in the dtype of the base weight.

        On a quantised base (bitsandbytes) it is fp32. where: this layer's name for error messages. rule_owner: the
        layer that holds the rule of this Compacter; None for the first layer, which then holds it. Raises MethodError
        for sizes that a Compacter cannot have.
        """
        size = config.size(self.hidden_size)
        down: nn.Linear | PhmLinear = nn.Linear(self.hidden_size, size)
        up: nn.Linear | PhmLinear = nn.Linear(size, self.hidden_size)
        if config.phm_dim:
            _check_divisible(config.phm_dim, {"hidden size": self.hidden_size, "bottleneck size": size}, where)
            down = PhmLinear(self.hidden_size, size, config.phm_dim, config.phm_rank)
            up = PhmLinear(size, self.hidden_size, config.phm_dim, config.phm_rank)
            self.rule_owners[name] = rule_owner or self
            if rule_owner is None:
                self.bottleneck_rule[name] = new_rule(config.phm_dim)
        initialize(down, up, config)
        self.bottleneck_down[name] = down
        self.bottleneck_activation[name] = ACT2FN[config.activation]
        self.bottleneck_up[name] = up
        self.options[name] = config
        BaseTunerLayer._move_adapter_to_device_of_base_layer(self, name)

    def read_from(self, feed_forward_input: nn.Module) -> None:
        """Use the input of this linear layer as the x of the parallel adapters; a second call changes nothing."""
        if self._input_hook is None:  # a bound method, so that a deep copy of the model hooks the copied layer
            self._input_hook = feed_forward_input.register_forward_pre_hook(self._remember)

    def release(self) -> None:
        """Stop reading the input of the feed-forward."""
        if self._input_hook is not None:
            self._input_hook.remove()
            self._input_hook = None
        self._feed_forward_input = None

    def forward(self, inputs: Tensor) -> Tensor:
        """The hidden state (..., hidden) in the dtype of the base layer's output."""
        feed_forward_input, self._feed_forward_input = self._feed_forward_input, None
        hidden: Tensor = self.base_layer(inputs)
        for name in self._running():
            if not self.options[name].is_parallel:
                hidden = self._adapt(name, hidden, hidden)
            elif feed_forward_input is None:
                raise RuntimeError("a parallel adapter ran without its feed-forward's input")
            else:
                hidden = self._adapt(name, feed_forward_input, hidden)
        return hidden

    def _running(self) -> list[str]:
        """The active adapters of this layer."""
        return [] if self.disable_adapters else [name for name in self.active_adapters if name in self.options]

    def _remember(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if any(self.options[name].is_parallel for name in self._running()):
            self._feed_forward_input = inputs[0]

    def _adapt(self, name: str, source: Tensor, hidden: Tensor) -> Tensor:
        """``hidden + scale * up(f(down(source)))``; summed in the wider dtype and rounded once."""
        down, up, options = cast("nn.Linear", self.bottleneck_down[name]), self.bottleneck_up[name], self.options[name]
        rule = [self.rule_owners[name].bottleneck_rule[name]] if options.phm_dim else []
        if not torch.is_autocast_enabled(source.device.type):  # autocast casts for the products itself
            source = source.to(down.bias.dtype)
        inner = self.bottleneck_activation[name](down(source, *rule))
        inner = functional.dropout(inner, options.dropout, self.training)
        return torch.add(hidden, up(inner, *rule), alpha=options.scale).to(hidden.dtype)

    def _get_base_layer_device_and_dtype(self, base_layer: nn.Module) -> tuple[Any, Any]:
        """The device and dtype for PEFT to put a new adapter on."""
        device, dtype = super()._get_base_layer_device_and_dtype(base_layer)
        return device, torch.float32 if linear_layers.is_quantised(base_layer) else dtype


@torch.no_grad()
def initialize(down: nn.Linear | PhmLinear, up: nn.Linear | PhmLinear, config: BottleneckConfig) -> None:
    """Initialise an adapter's weights; biases are zero.

    `near_identity` follows the variant's paper. Sequential: both projections are Gaussian with standard deviation 1e-2,
    truncated at two standard deviations (Houlsby et al. 2019, section 3.6); a Compacter is near the identity because of
    its rule. Parallel: like `identity`, which He et al. 2022 train with (`lora` in their released code). `identity` is
    LoRA's: down Kaiming uniform, up zero, so that the model starts unchanged.
    """
    identity = config.init == "identity" or config.is_parallel
    if isinstance(down, PhmLinear) or isinstance(up, PhmLinear):
        if identity:
            nn.init.zeros_(cast("PhmLinear", up).right)
        return
    if identity:
        nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
        nn.init.zeros_(up.weight)
    else:
        for linear in (down, up):
            nn.init.trunc_normal_(linear.weight, std=1e-2, a=-2e-2, b=2e-2)
    nn.init.zeros_(down.bias)
    nn.init.zeros_(up.bias)


def _check_divisible(dim: int, sizes: dict[str, int], where: str) -> None:
    for what, size in sizes.items():
        if size % dim:
            raise MethodError(f"compacter: the {what} at {where} is {size}, not a multiple of phm_dim, {dim}")
