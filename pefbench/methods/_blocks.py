"""What orthogonal fine-tuning methods share: a block size that must divide the input size of each linear layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pefbench.errors import MethodError
from pefbench.methods._linear import LinearMethod

if TYPE_CHECKING:
    from torch import nn


class BlockMethod(LinearMethod):
    """A PEFT method that rotates the input of each linear layer, block by block."""

    adapts_quantised: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    usual_block: ClassVar[int]
    """The block size that the method uses if it fits."""

    block_size: int | None = Field(
        None, ge=2, description="units that a block rotates; null: the largest that fits all layers, up to the usual"
    )

    def fitting_block(self, model: nn.Module, targets: list[str], *, factors: int = 1) -> int:
        """The block size for these linear layers: the recipe's, or the largest fitting one up to the usual.

        A product of `factors` block-diagonal matrices pairs the blocks differently in each factor and moves halves of
        blocks. So the number of blocks must be divisible by two `factors` - 1 times, and with several factors the size
        must be even. Raises MethodError if a size cannot fit.
        """
        from pefbench.models import linear_layers

        reads = {name: linear_layers.features(model.get_submodule(name))[0] for name in targets}
        together = 2 ** (factors - 1)
        fitting = _sizes(math.gcd(*reads.values()), factors)
        if self.block_size is None and fitting:
            return max((size for size in fitting if size <= self.usual_block), default=min(fitting))
        if self.block_size in fitting:
            return self.block_size
        sizes = f"block sizes that fit all: {', '.join(map(str, fitting)) or 'none'}"
        if self.block_size is None:
            raise self._refusal(model, f"its linear layers read {sorted(set(reads.values()))} units; {sizes}")
        wanted = self.block_size * together
        for name, units in reads.items():
            if units % wanted:
                raise MethodError(
                    f"method.block_size: {self.block_size} does not fit {name}, which reads {units} units, not a "
                    f"multiple of {wanted}; {sizes}"
                )
        raise MethodError(f"method.block_size: {self.block_size} is odd, and {factors} factors halve it; {sizes}")


def _sizes(units: int, factors: int) -> list[int]:
    """The block sizes, from 2, that divide `units` as this number of butterfly factors requires."""
    step = 1 if factors == 1 else 2
    return [size for size in range(2, units + 1, step) if units % (size * 2 ** (factors - 1)) == 0]
