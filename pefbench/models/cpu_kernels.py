"""Faster replacements for two operations that are slow on CPUs in training: linear layers in fp32, and dropout.

Both apply only inside `fast_on_cpu`, to every method alike, and only to CPU tensors.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from pefbench.models.patches import functional
from pefbench.models.patches.functional import stock_dropout, stock_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

LEVELS = 1 << 16
# oneDNN's matrix product is as exact as BLAS's and faster: slightly on wide matrices, several times on those with one
# very small dimension. By default torch uses it only for half precision.
onednn_linear = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x weight' + bias; x (n, in), weight (out, in), bias (out) -> (n, out). Outside autograd."""
    if onednn_linear is None or x.dtype != torch.float32 or x.device.type != "cpu" or not x.numel():
        return stock_linear(x, weight, bias)
    if not _has_no_gaps(weight):  # a slice of a wider matrix: oneDNN would be slow here, BLAS is not
        return stock_linear(x, weight, bias)
    result: Tensor = onednn_linear(x, weight, bias, "none", [], "")
    return result


def _has_no_gaps(matrix: Tensor) -> bool:
    """Whether a matrix is contiguous in memory, by rows or by columns."""
    return matrix.is_contiguous() or matrix.mT.is_contiguous()


class Linear(torch.autograd.Function):
    """y = x W' + b by `product`, in the forward and the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """x (n, in), weight (out, in), bias (out) -> (n, out)."""
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """grad (n, out) -> the gradients of x, weight and bias, as needed."""
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            product(grad, weight.T) if needs_x else None,
            product(grad.T, x.T) if needs_weight else None,
            grad.sum(0) if needs_bias else None,
        )


def fast_linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002 - torch's own name
    """Compute as `torch.nn.functional.linear`: input (..., in) -> (..., out)."""
    half = torch.is_autocast_enabled("cpu") or input.dtype != torch.float32 or weight.dtype != torch.float32
    if half or input.device.type != "cpu" or onednn_linear is None or not input.numel():
        return stock_linear(input, weight, bias)
    y: Tensor = Linear.apply(input.reshape(-1, input.shape[-1]), weight, bias)
    return y.view(*input.shape[:-1], weight.shape[0])


def cheap_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002, FBT001, FBT002 - as torch's own
    """Zero each element with probability `p` and scale the others by 1 / (1 - p); any shape, any float dtype.

    A random number for each activation costs a tenth to a third of a step. Here four activations share one 64-bit
    number, 16 bits each, which give the probability to within 1 / 65536. The scale is computed from the actual
    probability, so the expected value is exact. The numbers come from torch's own generator, so checkpoints restore
    them.
    """
    dropped = round(p * LEVELS)
    if not training or dropped == 0 or inplace or input.device.type != "cpu" or dropped >= LEVELS:
        return stock_dropout(input, p, training, inplace)
    elements = input.numel()
    bits = torch.empty((elements + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    return drop(input, bits.view(torch.int16)[:elements], dropped)


def drop(x: Tensor, bits: Tensor, dropped: int) -> Tensor:
    """Drop the elements of x whose bits are the `dropped` lowest of 65536 values; scale the others accordingly.

    bits: sixteen random bits for each element, as int16.
    """
    kept = (bits >= dropped - LEVELS // 2).view(torch.uint8).view(x.shape)
    result: Tensor = Kept.apply(x, kept, LEVELS / (LEVELS - dropped))
    return result


class Kept(torch.autograd.Function):
    """y = x * scale * kept, with kept 1 or 0: products are fast, `torch.where` is not."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        """x of any shape and float dtype, kept of its shape, uint8 -> like x."""
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return (x * scale).mul_(kept)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """grad -> the gradient of x."""
        [kept] = ctx.saved_tensors
        return (grad * ctx.scale).mul_(kept), None, None


@contextmanager
def fast_on_cpu(
    dropout: Callable[..., Tensor] = cheap_dropout, linear: Callable[..., Tensor] = fast_linear
) -> Iterator[None]:
    """Make every module and function inside the block use these."""
    with functional.replaced(linear=linear, dropout=dropout):
        yield
