"""LayerNorm tuning: norms with the adapter's own weights."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Norm(Part):
    """y <- norm(x), with a norm of the same kind that has its own weights."""

    def __init__(self, norm: nn.Module, weights: Mapping[str, Tensor]) -> None:
        self.norm = deepcopy(norm)
        self.norm._forward_pre_hooks.clear()
        self.norm._forward_hooks.clear()
        for name, weight in weights.items():
            setattr(self.norm, name, nn.Parameter(weight.to(getattr(norm, name)), requires_grad=False))

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Replace the output."""
        y.copy_(self.norm(x))

    def tensors(self) -> Iterable[Tensor]:
        """The weights of the norm."""
        return self.norm.parameters()


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:  # noqa: ARG001 - as for others
    """A norm for each tuned norm. Raises Unmixed if the base's norm has other weights."""
    found: Parts = {}
    for name, mine in by_module(weights, ("ln_tuning_layers.weight", "ln_tuning_layers.bias")).items():
        norm = place.module(name)
        own = {each.rpartition(".")[2]: weight for each, weight in mine.items()}
        if own.keys() != dict(norm.named_parameters()).keys():
            raise Unmixed(f"{name} has other weights than the adapter")
        found[name] = Norm(norm, own)
    return found
