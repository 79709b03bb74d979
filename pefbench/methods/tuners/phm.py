"""The linear layer of a Compacter layer: a sum of Kronecker products of a small shared matrix and a low-rank one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

RULE_DEVIATION = 1e-4
"""The standard deviation of a new rule, as in the authors' code: a new adapter hardly changes the model."""


class PhmLinear(nn.Module):
    """x -> x W + b with W = sum over i of A_i ⊗ (S_i T_i) (Karimi Mahabadi et al. 2021, arXiv:2106.04647, section 3).

    Parameterised hypercomplex multiplication (arXiv:2102.08597): the sum has `dim` products. The layers share the rule
    A (dim, dim, dim), so it is not a weight of this module but an argument of `forward`. Each product has its own
    factors S_i (inputs / dim, rank) and T_i (rank, outputs / dim); both sizes are multiples of `dim`.
    """

    def __init__(self, inputs: int, outputs: int, dim: int, rank: int) -> None:
        super().__init__()
        self.left = nn.Parameter(torch.empty(dim, inputs // dim, rank))
        self.right = nn.Parameter(torch.empty(dim, rank, outputs // dim))
        self.bias = nn.Parameter(torch.zeros(outputs))
        for factors in (self.left, self.right):
            for factor in factors:
                nn.init.xavier_uniform_(factor)

    def weight(self, rule: Tensor) -> Tensor:
        """W, shape (inputs, outputs), in the weights' dtype even under autocast: it is small."""
        with torch.autocast(rule.device.type, enabled=False):
            products = torch.einsum("iab,ipr,irq->apbq", rule, self.left, self.right)
        return products.flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor, rule: Tensor) -> Tensor:
        """x (..., inputs), rule (dim, dim, dim) -> (..., outputs)."""
        return functional.linear(x, self.weight(rule).T, self.bias)


def new_rule(dim: int) -> nn.Parameter:
    """A randomly initialised rule, shape (dim, dim, dim)."""
    return nn.Parameter(torch.randn(dim, dim, dim) * RULE_DEVIATION)
