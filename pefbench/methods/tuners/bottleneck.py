"""Bottleneck adapters for PEFT: small two-layer networks put into each frozen transformer block.

Variants, by position (He et al. 2022, arXiv:2110.04366, table 1 and section 3.3, compare them):

- `houlsby`: after the attention's output projection and after the feed-forward, inside the sublayer's residual
  connection and layer norm, with its own residual (Houlsby et al. 2019, arXiv:1902.00751, section 2.1, figure 2).
- `pfeiffer`: after the feed-forward only (AdapterFusion, arXiv:2005.00247; MAD-X, arXiv:2005.00052). The adapter reads
  the feed-forward's output; MAD-X reads it after the layer norm, which not every architecture has there.
- `parallel`: beside the feed-forward, h <- h + s * f(x W_down) W_up, with x its input and h its output.
- `scaled_parallel`: the same with s = 4.

Adapters act right after the linear layer, so a block's own dropout applies to the sum of the two.

With `phm_dim`, the projections are those of Compacter (`pefbench.methods.tuners.phm`); all layers share its rule.

Importing this module registers the tuner with PEFT; `get_peft_model`, `save_pretrained` and
`PeftModel.from_pretrained` then work on it as on any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from peft.tuners.tuners_utils import BaseTuner

from pefbench.errors import MethodError, suggest
from pefbench.methods.tuners.bottleneck_config import NAME, BottleneckConfig
from pefbench.methods.tuners.bottleneck_layer import BottleneckLayer
from pefbench.models import sublayers
from pefbench.models.patches import peft_types

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BottleneckConfig", "BottleneckLayer", "BottleneckModel", "register"]

PREFIX = "bottleneck_"


class BottleneckModel(BaseTuner):  # type: ignore[misc]
    """The model with its adapters; `get_peft_model` returns it as `model.base_model`."""

    prefix = PREFIX
    tuner_layer_cls = BottleneckLayer

    def unload(self) -> nn.Module:
        """The model without adapters, but with the trained head."""
        for module in self.modules():
            if isinstance(module, BottleneckLayer):
                module.release()
        return super().unload()  # type: ignore[no-any-return]

    def _check_merge_allowed(self) -> NoReturn:
        raise MethodError(
            "bottleneck adapters are not linear and cannot be merged into the weights; keep the adapter, "
            "or drop it with unload()"
        )

    def _prepare_adapter_config(self, peft_config: BottleneckConfig, model_config: dict[str, Any]) -> BottleneckConfig:  # noqa: ARG002 - PEFT passes it
        """Find where to put the adapters, unless the config says so, as a saved one does."""
        if peft_config.target_modules is None:
            targets = [feed_forward.output for feed_forward in sublayers.feed_forwards(self.model)]
            if peft_config.variant == "houlsby":
                targets += sublayers.attention_outputs(self.model)
            peft_config.target_modules = sorted(targets)
        if peft_config.is_parallel and peft_config.feed_forward_inputs is None:
            feed_forwards = sublayers.feed_forwards(self.model)
            peft_config.feed_forward_inputs = {layer.output: layer.inputs[0] for layer in feed_forwards}
        return peft_config

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,  # noqa: ARG002 - only for tuners of single parameters
    ) -> None:
        """Add an adapter to the linear layer `current_key`, wrapping it if it is not wrapped yet."""
        layer = target if isinstance(target, BottleneckLayer) else BottleneckLayer(target)
        layer.add_adapter(adapter_name, peft_config, current_key, self._rule_owner(adapter_name))
        if peft_config.is_parallel:
            layer.read_from(self.model.get_submodule(_input_of(current_key, peft_config)))
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _rule_owner(self, adapter_name: str) -> BottleneckLayer | None:
        """The layer that holds the Compacter rule of this adapter; None if there is none yet."""
        layers = (module for module in self.model.modules() if isinstance(module, BottleneckLayer))
        return next((layer for layer in layers if adapter_name in layer.bottleneck_rule), None)


def register() -> None:
    """Make the tuner known to PEFT; runs on import. Raises KeyError if PEFT has another method with this name."""
    peft_types.register(NAME, BottleneckConfig, BottleneckModel, PREFIX)


def _input_of(target: str, config: BottleneckConfig) -> str:
    inputs = config.feed_forward_inputs or {}
    if target not in inputs:
        raise MethodError(
            f"bottleneck adapter: {target} is not the output of a feed-forward, so a {config.variant} adapter "
            f"cannot stand there; {suggest(target, inputs)}"
        )
    return inputs[target]


register()
