"""LayerNorm tuning: norms with weights of the adapter's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn import functional

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Norm(Part):
    """y <- LayerNorm(x) with these weights, (size,) each."""

    def __init__(self, weight: Tensor, bias: Tensor | None, eps: float) -> None:
        self.weight, self.bias, self.eps = weight, bias, eps

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Normalise anew."""
        y.copy_(functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps))


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:  # noqa: ARG001 - as for others
    """A norm for each tuned norm. Raises Unmixed for another kind than torch's LayerNorm."""
    found: Parts = {}
    for name, mine in by_module(weights, ("ln_tuning_layers.weight", "ln_tuning_layers.bias")).items():
        norm = place.module(name)
        if type(norm) is not nn.LayerNorm:
            raise Unmixed(f"{name} is a {type(norm).__name__}, no LayerNorm")
        weight, bias = (mine.get(f"ln_tuning_layers.{each}") for each in ("weight", "bias"))
        if weight is None:
            raise Unmixed(f"{name} has no weight")
        found[name] = Norm(weight.to(norm.weight), None if bias is None else bias.to(norm.weight), norm.eps)
    return found
