"""One adapted linear map: the frozen map with its bottleneck adapters, one per adapter name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import ACT2FN

from pefbench import structure

if TYPE_CHECKING:
    from pefbench.tuners.bottleneck import BottleneckConfig


class BottleneckLayer(nn.Module, BaseTunerLayer):  # type: ignore[misc]
    """A linear map `base_layer` that writes the hidden state, followed or accompanied by bottleneck adapters.

    With h (..., hidden) what the base layer returns, and f the activation:

    - sequential (`houlsby`, `pfeiffer`): h <- h + s * (f(h W_down + b_down) W_up + b_up)
    - parallel (`parallel`, `scaled_parallel`): the same with x (..., hidden), the input of the feed-forward, for the
      inner h. `read_from` names the linear map that gets x.

    x is held from that map's call to this layer's call, within one forward pass of the feed-forward, and no longer.
    Gradient checkpointing runs both again, so it sees the x of its own pass. Several active adapters run in their
    order, each on the h that the one before it left.
    """

    adapter_layer_names = ("bottleneck_down", "bottleneck_activation", "bottleneck_up")
    other_param_names = ("options",)
    active_adapters: list[str]  # these two are properties of PEFT's base class
    disable_adapters: bool

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        _, self.hidden_size = structure.features(base_layer)
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_activation = nn.ModuleDict()  # holds weights for activations such as PReLU
        self.bottleneck_up = nn.ModuleDict()
        self.options: dict[str, BottleneckConfig] = {}
        self._input_hook: Any = None
        self._feed_forward_input: Tensor | None = None

    def add_adapter(self, name: str, config: BottleneckConfig) -> None:
        """Add a freshly initialised adapter, on the device and in the dtype of the base weight.

        On a quantised base (bitsandbytes) it is fp32.
        """
        size = config.size(self.hidden_size)
        down, up = nn.Linear(self.hidden_size, size), nn.Linear(size, self.hidden_size)
        initialize(down, up, config)
        self.bottleneck_down[name] = down
        self.bottleneck_activation[name] = ACT2FN[config.activation]
        self.bottleneck_up[name] = up
        self.options[name] = config
        BaseTunerLayer._move_adapter_to_device_of_base_layer(self, name)

    def read_from(self, feed_forward_input: nn.Module) -> None:
        """Take the input of this linear map as the x of the parallel adapters; a second call changes nothing."""
        if self._input_hook is None:  # a bound method, so that a deep copy of the model hooks the copied layer
            self._input_hook = feed_forward_input.register_forward_pre_hook(self._remember)

    def release(self) -> None:
        """Stop reading the input of the feed-forward."""
        if self._input_hook is not None:
            self._input_hook.remove()
            self._input_hook = None
        self._feed_forward_input = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the hidden state (..., hidden) in the dtype of the base layer's output."""
        feed_forward_input, self._feed_forward_input = self._feed_forward_input, None
        hidden: Tensor = self.base_layer(inputs)
        for name in self._running():
            if not self.options[name].is_parallel:
                hidden = self._adapt(name, hidden, hidden)
            elif feed_forward_input is None:
                raise RuntimeError("a parallel adapter ran without its feed-forward's input map being called before it")
            else:
                hidden = self._adapt(name, feed_forward_input, hidden)
        return hidden

    def _running(self) -> list[str]:
        """Return the adapters of this layer that are active."""
        return [] if self.disable_adapters else [name for name in self.active_adapters if name in self.options]

    def _remember(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if any(self.options[name].is_parallel for name in self._running()):
            self._feed_forward_input = inputs[0]

    def _adapt(self, name: str, source: Tensor, hidden: Tensor) -> Tensor:
        """Return ``hidden + scale * up(f(down(source)))``; summed in the wider dtype and rounded once."""
        down, up, options = cast("nn.Linear", self.bottleneck_down[name]), self.bottleneck_up[name], self.options[name]
        if not torch.is_autocast_enabled(source.device.type):  # which casts for the products by itself
            source = source.to(down.weight.dtype)
        inner = self.bottleneck_activation[name](down(source))
        inner = functional.dropout(inner, options.dropout, self.training)
        return torch.add(hidden, up(inner), alpha=options.scale).to(hidden.dtype)

    def _get_base_layer_device_and_dtype(self, base_layer: nn.Module) -> tuple[Any, Any]:
        """Return where and in which dtype PEFT is to put a new adapter."""
        device, dtype = super()._get_base_layer_device_and_dtype(base_layer)
        # bitsandbytes: Linear4bit has a compute_dtype, Linear8bitLt a state; both may store weights as floats
        quantised = hasattr(base_layer, "compute_dtype") or getattr(base_layer, "state", None) is not None
        return device, torch.float32 if quantised else dtype


@torch.no_grad()
def initialize(down: nn.Linear, up: nn.Linear, config: BottleneckConfig) -> None:
    """Draw the first weights of an adapter; biases are zero.

    `near_identity` follows the variant's paper. Sequential: both projections Gaussian with standard deviation 1e-2,
    truncated at two of them (Houlsby et al. 2019, section 3.6). Parallel: as `identity`, which is what He et al. 2022
    train with (`lora` in their released code). `identity` is LoRA's: down Kaiming uniform, up zero, so that the model
    starts exactly as it was.
    """
    if config.init == "identity" or config.is_parallel:
        nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
        nn.init.zeros_(up.weight)
    else:
        for linear in (down, up):
            nn.init.trunc_normal_(linear.weight, std=1e-2, a=-2e-2, b=2e-2)
    nn.init.zeros_(down.bias)
    nn.init.zeros_(up.bias)
