"""Dropout whose mask is a function of the example and the step, whatever else is in the batch.

A mask from a stream of random numbers depends on everything drawn before it: for the other rows of the batch, for their
padding, on the same process. Here each number is a hash of its position, as in counter-based generators (Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3"): of the seed, the step, the row's number in the split, the number
of the dropout call in the forward pass, and the position in the row. So two processes, or micro-batches of any size,
train like one, and checkpoints need no state. It costs less than torch's own generator.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import torch

from pefbench.models.cpu_kernels import LEVELS, drop
from pefbench.models.patches.functional import stock_dropout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LANES = 4
"""The number of activations that share the 64 bits of one hash, 16 bits each."""
STEP, ROW, CALL, PLACE = range(4)
"""The inputs of a hash, as the numbers of their weights; PLACE and those after it are the axes of a row."""


class KeyedDropout:
    """A replacement for `torch.nn.functional.dropout` on CPUs. `start` sets the rows of the next forward pass.

    The first dimension of an input is the rows, or a multiple of the rows (such as rows times heads). If the number of
    rows does not divide it, the input belongs to no row, and its mask is the same on all processes. Padding may only
    lengthen the later dimensions: the mask of a shorter row is then the beginning of a longer one's.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def start(self, step: int, rows: Sequence[int]) -> None:
        """Start a forward pass of a step on these rows of the training split, by their numbers, in the batch's order.

        The same step and rows give the same masks again.
        """
        of_step = mixed(mixed(torch.tensor([self.seed])) + signed(step * weight(STEP)))
        self.keys = mixed(of_step + (torch.tensor(rows) + 1) * signed(weight(ROW)))
        self.shared = mixed(of_step)
        self.calls = 0

    def __call__(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002, FBT001, FBT002 - as torch's own
        """Zero each element with probability `p` and scale the others by 1 / (1 - p); any shape, any float dtype.

        The probability is exact to within 1 / 65536, and the scale is computed from the actual probability.
        """
        if not training or not 0 < p < 1:
            return stock_dropout(input, p, training, inplace)
        self.calls += 1
        result = drop(input, self._bits(input.shape), min(max(1, round(p * LEVELS)), LEVELS - 1))
        return input.copy_(result) if inplace else result

    def _bits(self, shape: torch.Size) -> Tensor:
        """Sixteen random bits for each element of an input of this shape, as int16 (rows, ...)."""
        first, *rest = shape or (1,)
        keys = self.keys if first % len(self.keys) == 0 else self.shared
        *outer, last = first // len(keys), *rest
        places = torch.zeros((), dtype=torch.int64)
        for axis, size in enumerate([*outer, -(-last // LANES)]):
            places = places.unsqueeze(-1) + torch.arange(size) * signed(weight(PLACE + axis))
        own = mixed(keys + signed(self.calls * weight(CALL))).view(-1, *[1] * places.ndim)
        return mixed(own + places).view(torch.int16)[..., :last]


def mixed(x: Tensor) -> Tensor:
    """SplitMix64's finaliser (Steele et al. 2014, Stafford's variant 13): each bit depends on all of x's; in place."""
    shifted = torch.empty_like(x)
    for by, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, None)):
        torch.bitwise_right_shift(x, by, out=shifted)
        x ^= shifted.bitwise_and_((1 << (64 - by)) - 1)  # shifting a negative number inserts ones
        if factor is not None:
            x *= signed(factor)
    return x


@cache
def weight(number: int) -> int:
    """An odd 64-bit pseudo-random constant for each number."""
    digest = hashlib.sha256(f"dropout {number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") | 1


def signed(value: int) -> int:
    """The lowest 64 bits of an integer, as torch takes them."""
    value %= 2**64
    return value - 2**64 if value >= 2**63 else value
