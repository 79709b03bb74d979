"""BOFT without its CUDA extension: the same numbers as PEFT's, on every device and with far fewer operations.

PEFT compiles an extension that writes blocks into the diagonal of a matrix. If it cannot, it warns and falls back to
one butterfly factor, whatever was requested. `register` gives PEFT this one operation in plain torch, so that a saved
model with several factors loads everywhere.

PEFT then multiplies matrices as large as a layer's input, although a butterfly factor is only a permutation, a rotation
of small blocks and the inverse permutation (Liu et al. 2024, arXiv:2311.06243, section 4). `fuse` computes only these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.boft import layer as peft_boft
from torch import nn

from pefbench.models.patches import boft, methods

if TYPE_CHECKING:
    from torch import Tensor


class BlockDiagonal:
    """The part of its extension that PEFT calls: builds a batch of block-diagonal matrices, and its gradient."""

    @staticmethod
    def forward(blocks: Tensor) -> list[Tensor]:
        """Blocks (factors, blocks, size, size) -> [(factors, blocks * size, blocks * size)]."""
        return [torch.stack([torch.block_diag(*factor) for factor in blocks])]

    @staticmethod
    def backward(gradient: Tensor, blocks: Tensor) -> list[Tensor]:
        """Gradient (factors, blocks * size, blocks * size) -> [gradient of the blocks]."""
        factors, count, size, _ = blocks.shape
        cut = gradient.reshape(factors, count, size, count, size)
        return [cut.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)]


def register() -> None:
    """Give PEFT the operation; must run before a BOFT model is made or loaded. A second call changes nothing."""
    boft.register(BlockDiagonal)


def fuse(model: nn.Module) -> int:
    """Make every BOFT layer of a PEFT model that has one adapter rotate block by block; return their number."""
    layers = [module for module in model.modules() if isinstance(module, peft_boft.Linear) and len(module.boft_R) == 1]
    for layer in layers:
        order = layer.boft_P.argmax(-1)  # row i has its one in the column of the unit that i takes
        layer.register_buffer("butterfly_order", order, persistent=False)
        layer.register_buffer("butterfly_place", order.argsort(-1), persistent=False)
        methods.replace(layer, "forward", _forward)
    return len(layers)


def fused(model: nn.Module) -> list[nn.Module]:
    """The layers that rotate block by block."""
    return [module for module in model.modules() if methods.is_replaced(module, "forward", _forward)]


def undo(model: nn.Module) -> None:
    """Make all layers compute as in PEFT."""
    for layer in fused(model):
        methods.restore(layer, "forward")


def rotate(x: Tensor, blocks: Tensor, order: Tensor, place: Tensor) -> Tensor:
    """x R, with R the product of the butterfly factors, the last one leftmost.

    x (..., units); blocks (factors, blocks, size, size); order, place (factors, units): each factor's permutation, as
    the index of the unit that each unit takes, and its inverse.
    """
    _, count, size, _ = blocks.shape
    for factor, taken, back in zip(blocks.flip(0), order.flip(0), place.flip(0), strict=True):
        cut = x[..., back].unflatten(-1, (count, size))
        x = torch.einsum("...cs,cst->...ct", cut, factor).flatten(-2)[..., taken]
    return x


def _forward(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    if args or kwargs or layer.disable_adapters or layer.merged or [*layer.boft_R] != [*layer.active_adapters]:
        plain: Tensor = type(layer).forward(layer, x, *args, **kwargs)
        return plain
    [adapter] = layer.active_adapters
    weights = layer.boft_R[adapter]
    with torch.autocast(x.device.type, enabled=False):
        blocks = layer.boft_dropout[adapter](layer.cayley_batch(weights.flatten(0, 1)).view_as(weights))
    y: Tensor = layer.base_layer(rotate(x, blocks.to(x.dtype), layer.butterfly_order, layer.butterfly_place))
    bias = layer.base_layer.bias
    y = (y if bias is None else y - bias) * layer.boft_s[adapter].squeeze(-1)
    return (y if bias is None else y + bias).to(x.dtype)
