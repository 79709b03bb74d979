"""Bottleneck adapters for PEFT: small two-layer networks put into each frozen transformer block.

Variants, by where they stand (He et al. 2022, arXiv:2110.04366, table 1 and section 3.3, compare them):

- `houlsby`: after the attention's output projection and after the feed-forward, inside the sublayer's residual
  connection and layer norm, with a residual of its own (Houlsby et al. 2019, arXiv:1902.00751, section 2.1, figure 2).
- `pfeiffer`: after the feed-forward only (AdapterFusion, arXiv:2005.00247; MAD-X, arXiv:2005.00052). The adapter reads
  the feed-forward's output; MAD-X reads it after the layer norm, which not every architecture has at that place.
- `parallel`: beside the feed-forward, h <- h + s * f(x W_down) W_up, with x its input and h its output.
- `scaled_parallel`: the same with s = 4.

Adapters act right after the linear map, so a block's own dropout falls on the sum of the two.

With `phm_dim`, the projections are those of Compacter (`pefbench.tuners.phm`), whose rule all layers share.

Importing this module registers the tuner with PEFT; `get_peft_model`, `save_pretrained` and
`PeftModel.from_pretrained` then work on it as on any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import aenum
from peft import PeftConfig, PeftType
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner
from peft.utils import register_peft_method
from transformers.activations import ACT2FN

from pefbench.errors import MethodError, suggest
from pefbench.methods.tuners.bottleneck_layer import BottleneckLayer
from pefbench.models import architecture

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BottleneckConfig", "BottleneckLayer", "BottleneckModel", "register"]

NAME = "bottleneck"
PREFIX = "bottleneck_"
VARIANTS = ("houlsby", "pfeiffer", "parallel", "scaled_parallel")
INITS = ("near_identity", "identity")


@dataclass
class BottleneckConfig(PeftConfig):  # type: ignore[misc]
    """What the adapters are and where they stand. Raises MethodError for a value that makes no sense."""

    variant: str = "houlsby"
    """One of VARIANTS."""
    reduction_factor: float = 16
    """Hidden size / bottleneck size; the size is rounded down and at least 1."""
    bottleneck_size: int | None = None
    """The size of the bottleneck itself, in place of the reduction factor."""
    activation: str = "relu"
    """Name of an activation in transformers' ACT2FN."""
    scale: float | None = None
    """s, what the adapter's output is multiplied by; null: 4 for `scaled_parallel` (as He et al. 2022), else 1."""
    phm_dim: int | None = None
    """Compacter: how many Kronecker products a projection is the sum of; null: projections are plain matrices."""
    phm_rank: int = 1
    """Compacter: rank of the larger factor of each product."""
    dropout: float = 0.0
    """Probability of dropping a unit of the bottleneck while training."""
    init: str = "near_identity"
    """One of INITS; see `pefbench.tuners.bottleneck_layer.initialize`."""
    target_modules: list[str] | str | None = None
    """The linear maps that get adapters, by name, ending or regular expression; null: those of the variant."""
    exclude_modules: list[str] | str | None = None
    """Those that do not, though target_modules names them."""
    feed_forward_inputs: dict[str, str] | None = None
    """Parallel variants: adapted linear map -> the one whose input its adapter reads; null: found in the model."""
    modules_to_save: list[str] | None = None
    """Modules to train and save in full beside the adapters: the head."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType(NAME.upper())
        _choose("variant", self.variant, VARIANTS)
        _choose("init", self.init, INITS)
        _choose("activation", self.activation, ACT2FN)
        if not 0 < self.reduction_factor < float("inf"):
            raise MethodError(f"bottleneck adapter: reduction_factor is {self.reduction_factor}; it must be above 0")
        for field in ("bottleneck_size", "phm_dim", "phm_rank"):
            value = getattr(self, field)
            if value is not None and value < 1:
                raise MethodError(f"bottleneck adapter: {field} is {value}; it must be at least 1")
        if not 0 <= self.dropout < 1:
            raise MethodError(f"bottleneck adapter: dropout is {self.dropout}; it must be in [0, 1)")
        if self.scale is None:
            self.scale = 4.0 if self.variant == "scaled_parallel" else 1.0

    @property
    def is_parallel(self) -> bool:
        """Whether the adapters read the input of the feed-forward instead of its output."""
        return self.variant in {"parallel", "scaled_parallel"}

    def size(self, hidden_size: int) -> int:
        """Return the bottleneck size for a hidden size; by the factor, it is a multiple of `phm_dim`, rounded down."""
        step = self.phm_dim or 1
        return self.bottleneck_size or max(1, int(hidden_size / self.reduction_factor) // step) * step

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they are saved; PEFT may have made target_modules a set, whose order is random."""
        fields: dict[str, Any] = super().to_dict()
        if isinstance(fields["target_modules"], set):
            fields["target_modules"] = sorted(fields["target_modules"])
        return fields


class BottleneckModel(BaseTuner):  # type: ignore[misc]
    """The model with its adapters; `model.base_model` of what `get_peft_model` returns."""

    prefix = PREFIX
    tuner_layer_cls = BottleneckLayer

    def unload(self) -> nn.Module:
        """Return the bare model, without adapters but with the trained head."""
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
        """Find where the adapters stand, unless the config says so (it does once it was saved)."""
        if peft_config.target_modules is None:
            targets = [feed_forward.output for feed_forward in architecture.feed_forwards(self.model)]
            if peft_config.variant == "houlsby":
                targets += architecture.attention_outputs(self.model)
            peft_config.target_modules = sorted(targets)
        if peft_config.is_parallel and peft_config.feed_forward_inputs is None:
            feed_forwards = architecture.feed_forwards(self.model)
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
        """Add an adapter to the linear map `current_key`, wrapping it when it is not wrapped yet."""
        layer = target if isinstance(target, BottleneckLayer) else BottleneckLayer(target)
        layer.add_adapter(adapter_name, peft_config, current_key, self._rule_owner(adapter_name))
        if peft_config.is_parallel:
            layer.read_from(self.model.get_submodule(_input_of(current_key, peft_config)))
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _rule_owner(self, adapter_name: str) -> BottleneckLayer | None:
        """Return the layer that holds the Compacter rule of this adapter, None while there is none."""
        layers = (module for module in self.model.modules() if isinstance(module, BottleneckLayer))
        return next((layer for layer in layers if adapter_name in layer.bottleneck_rule), None)


def register() -> None:
    """Make the tuner known to PEFT; must have run before `PeftModel.from_pretrained`. Runs on import, and only once.

    Raises KeyError when PEFT has another method of this name.
    """
    if PEFT_TYPE_TO_TUNER_MAPPING.get(NAME.upper()) is BottleneckModel:
        return
    if NAME.upper() not in PeftType.__members__:
        aenum.extend_enum(PeftType, NAME.upper(), NAME.upper())
    register_peft_method(name=NAME, config_cls=BottleneckConfig, model_cls=BottleneckModel, prefix=PREFIX)


def _choose(field: str, value: str, valid: Any) -> None:
    if value not in valid:
        raise MethodError(f"bottleneck adapter: unknown {field} {value!r}; {suggest(value, valid)}")


def _input_of(target: str, config: BottleneckConfig) -> str:
    inputs = config.feed_forward_inputs or {}
    if target not in inputs:
        raise MethodError(
            f"bottleneck adapter: {target} is not the output of a feed-forward, so a {config.variant} adapter "
            f"cannot stand there; {suggest(target, inputs)}"
        )
    return inputs[target]


register()
