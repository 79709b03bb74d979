"""The configuration of bottleneck adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peft import PeftConfig
from transformers.activations import ACT2FN

from pefbench.errors import MethodError, suggest
from pefbench.models.patches import peft_types

NAME = "bottleneck"


VARIANTS = ("houlsby", "pfeiffer", "parallel", "scaled_parallel")


INITS = ("near_identity", "identity")


@dataclass
class BottleneckConfig(PeftConfig):  # type: ignore[misc]
    """The kind and position of the adapters. Raises MethodError for a value that makes no sense."""

    variant: str = "houlsby"
    """One of VARIANTS."""
    reduction_factor: float = 16
    """Hidden size / bottleneck size; the size is rounded down and at least 1."""
    bottleneck_size: int | None = None
    """The size of the bottleneck itself, instead of the reduction factor."""
    activation: str = "relu"
    """Name of an activation in transformers' ACT2FN."""
    scale: float | None = None
    """s, the factor on the adapter's output; null: 4 for `scaled_parallel` (as in He et al. 2022), else 1."""
    phm_dim: int | None = None
    """Compacter: the number of Kronecker products whose sum is a projection; null: projections are plain matrices."""
    phm_rank: int = 1
    """Compacter: rank of the larger factor of each product."""
    dropout: float = 0.0
    """Dropout probability of the bottleneck's units in training."""
    init: str = "near_identity"
    """One of INITS; see `pefbench.methods.tuners.bottleneck_layer.initialize`."""
    target_modules: list[str] | str | None = None
    """The linear layers that get adapters, by name, ending or regular expression; null: those of the variant."""
    exclude_modules: list[str] | str | None = None
    """Linear layers that get none although target_modules matches them."""
    feed_forward_inputs: dict[str, str] | None = None
    """Parallel variants: adapted linear layer -> the layer whose input its adapter reads; null: found in the model."""
    modules_to_save: list[str] | None = None
    """Modules to train and save in full besides the adapters: the head."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = peft_types.member(NAME)
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
        """The bottleneck size for a hidden size; if set by the factor, it is a multiple of `phm_dim`, rounded down."""
        step = self.phm_dim or 1
        return self.bottleneck_size or max(1, int(hidden_size / self.reduction_factor) // step) * step

    def to_dict(self) -> dict[str, Any]:  # as in PEFT
        """The fields to save; PEFT may have made target_modules a set, whose order is random."""
        fields = {**super().to_dict()}
        if isinstance(fields["target_modules"], set):
            fields["target_modules"] = sorted(fields["target_modules"])
        return fields


def _choose(field: str, value: str, valid: Any) -> None:
    if value not in valid:
        raise MethodError(f"bottleneck adapter: unknown {field} {value!r}; {suggest(value, valid)}")
