"""Trained weights of the model itself, as BitFit saves them: changes of biases. If only the head is trained, none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bias(Part):
    """y <- y + (b' - b), the trained bias minus the pretrained one; change (size,)."""

    def __init__(self, change: Tensor) -> None:
        self.change = change

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Add the change to the output."""
        y.add_(self.change)


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:  # noqa: ARG001 - as for others
    """A change for each trained bias. Raises Unmixed for other weights and for biases that are not added last."""
    found: Parts = {}
    for name, mine in by_module(weights, ("bias",)).items():
        module = place.module(name)
        bias = getattr(module, "bias", None)
        if not isinstance(module, nn.Linear | nn.LayerNorm) or not isinstance(bias, Tensor):
            raise Unmixed(f"the bias of {name} is not added to an output")
        found[name] = Bias(mine["bias"].float() - bias.detach().float())
    return found
