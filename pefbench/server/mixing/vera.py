"""VeRA: two vectors per layer around matrices that all layers of an adapter share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pefbench.server.mixing.part import Part, Parts, Place, Unmixed, by_module, flat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

SHARED = ("vera_A", "vera_B")


class Vectors(Part):
    """y <- y + b * (B (d * (A x))), A (rank, in), B (out, rank): Kopiczko et al. 2024, arXiv:2310.11454, equation 2."""

    def __init__(self, a: Tensor, b: Tensor, inner: Tensor, outer: Tensor) -> None:
        self.a, self.b, self.inner, self.outer = a, b, inner, outer

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:  # noqa: ARG002 - the base's signature
        """Add the product."""
        down = (flat(x.to(self.a.dtype)) @ self.a.T).mul_(self.inner)
        flat(y).add_((down @ self.b.T).mul_(self.outer))


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:  # noqa: ARG001 - as for others
    """Vectors for each adapted layer. Raises Unmixed if the matrices were not saved."""
    matrices = {name: place.cast(weights[name]) for name in SHARED if name in weights}
    if len(matrices) < len(SHARED):
        raise Unmixed("its random matrices were not saved with it")
    rest = {name: weight for name, weight in weights.items() if name not in SHARED}
    found: Parts = {}
    for name, mine in by_module(rest, ("vera_lambda_d", "vera_lambda_b")).items():
        module = cast("Any", place.module(name))
        inner, outer = mine["vera_lambda_d"], mine["vera_lambda_b"]
        size = module.weight.numel() // len(outer)
        found[name] = Vectors(
            matrices["vera_A"][:, :size], matrices["vera_B"][: len(outer)], place.cast(inner), place.cast(outer)
        )
    return found
