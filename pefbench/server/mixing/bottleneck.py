"""All variants of bottleneck adapters, including Compacter: see `methods.tuners.bottleneck`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.activations import ACT2FN

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module

if TYPE_CHECKING:
    from collections.abc import Mapping

RULE = "bottleneck_rule"
HELD = ("weight", "bias", "left", "right")
ENDINGS = (RULE, *(f"bottleneck_{half}.{part}" for half in ("down", "up") for part in HELD))
PARALLEL = ("parallel", "scaled_parallel")


class Projection:
    """x -> x W' + b. W is saved as it is or, for Compacter, as a sum of Kronecker products: see `tuners.phm`."""

    def __init__(self, mine: Mapping[str, Tensor], half: str, rule: Tensor | None, place: Place) -> None:
        kept = {part: weight for part in HELD if (weight := mine.get(f"bottleneck_{half}.{part}")) is not None}
        self.dtype, self.matrix, self.factors = place.dtype, kept.get("weight"), list[Tensor]()
        if self.matrix is not None:
            self.matrix = place.cast(self.matrix)
        elif rule is not None and {"left", "right"} <= kept.keys():
            self.factors = [rule, kept["left"], kept["right"]]
        if "bias" not in kept or (self.matrix is None and not self.factors):
            raise Unmixed(f"its projection {half} lacks weights")
        self.bias = place.cast(kept["bias"])

    def __call__(self, x: Tensor) -> Tensor:
        """x (..., in) -> (..., out)."""
        return functional.linear(x, self._weight(), self.bias)

    def _weight(self) -> Tensor:
        if self.matrix is not None:
            return self.matrix
        products = torch.einsum("iab,ipr,irq->apbq", *self.factors)
        return products.flatten(2, 3).flatten(0, 1).T.to(self.dtype)

    def tensors(self) -> list[Tensor]:
        """The tensors it holds."""
        return [self.bias, *self.factors, *([] if self.matrix is None else [self.matrix])]


class Bottleneck(Part):
    """y <- y + s * up(f(down(h))). h is y itself or, if `source` is set, that module's input (the feed-forward's)."""

    def __init__(self, down: Projection, up: Projection, config: Mapping[str, Any], source: str | None) -> None:
        self.down, self.up, self.source = down, up, source
        self.activation, self.scale = ACT2FN[config["activation"]], float(config["scale"])

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Add the adapter's output."""
        read = (y if source is None else source).to(self.down.dtype)
        y.copy_(torch.add(y, self.up(self.activation(self.down(read))), alpha=self.scale))

    def tensors(self) -> list[Tensor]:
        """The tensors of both projections."""
        return self.down.tensors() + self.up.tensors()


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:
    """A bottleneck for each adapted layer. Raises Unmixed if the activation has weights of its own."""
    found: Parts = {}
    layers = by_module(weights, ENDINGS)
    rule = next((mine[RULE] for mine in layers.values() if RULE in mine), None)
    inputs = config.get("feed_forward_inputs") or {}
    if any(True for _ in ACT2FN[config["activation"]].parameters()):
        raise Unmixed("its activation has weights of its own")
    for name, mine in layers.items():
        place.module(name)
        source = None
        if config["variant"] in PARALLEL:
            [source] = {_below(into, name, target) for target, into in inputs.items() if _ends(target, name)}
            place.module(source)
        down, up = (Projection(mine, half, rule, place) for half in ("down", "up"))
        found[name] = Bottleneck(down, up, config, source)
    return found


def _ends(target: str, name: str) -> bool:
    return target == name or target.endswith(f".{name}")


def _below(source: str, name: str, target: str) -> str:
    """A source's full name in the backbone: it has the same parent as the target."""
    return source.removeprefix(target.removesuffix(name))
