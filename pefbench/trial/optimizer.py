"""The optimizer of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pefbench.models import quantization

if TYPE_CHECKING:
    from torch import nn

    from pefbench.methods import Method
    from pefbench.sections import TrainSection


def make_optimizer(model: nn.Module, method: Method, settings: TrainSection) -> torch.optim.Optimizer:
    """AdamW over the method's parameter groups; each stores its own peak learning rate as `peak`."""
    groups = method.parameter_groups(model, settings.learning_rate, settings.weight_decay)
    groups = [group | {"peak": group.get("lr", settings.learning_rate)} for group in groups]
    if settings.optimizer == "adamw8bit":
        return quantization.adamw_8bit(groups, settings.learning_rate)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, fraction: float) -> None:
    """Give each group this fraction of its peak learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * fraction
