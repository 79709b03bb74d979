"""(IA)3: rescales keys, values and the input of the feed-forward's second layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.server.mixing.part import Part, Parts, Place, by_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Rescaled(Part):
    """y <- l * y, including the bias (Liu et al. 2022, arXiv:2205.05638, section 3.3); vector (out,)."""

    def __init__(self, vector: Tensor) -> None:
        self.vector = vector

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Rescale the output."""
        y.mul_(self.vector)


class RescaledInput(Part):
    """x <- l * x, for the feed-forward; vector (in,)."""

    enters, leaves = True, False

    def __init__(self, vector: Tensor) -> None:
        self.vector = vector

    def enter(self, x: Tensor) -> Tensor:
        """Rescale the input."""
        return (x * self.vector).to(x.dtype)


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:
    """A vector for each layer."""
    forwards = config.get("feedforward_modules") or []
    found: Parts = {}
    for name, mine in by_module(weights, ("ia3_l",)).items():
        place.module(name)
        inside = any(each == name or each.endswith(f".{name}") for each in forwards)
        found[name] = (RescaledInput if inside else Rescaled)(mine["ia3_l"].flatten().contiguous())
    return found
