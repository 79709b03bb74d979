"""The optimizer of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pefbench.errors import RecipeError
from pefbench.methods import at_own_rate
from pefbench.models import architecture, quantization

if TYPE_CHECKING:
    from torch import nn

    from pefbench.methods import Method
    from pefbench.sections import TrainSection


def make_optimizer(model: nn.Module, method: Method, settings: TrainSection) -> torch.optim.Optimizer:
    """AdamW over the method's parameter groups; each stores its own peak learning rate as `peak`."""
    groups = method.parameter_groups(model, settings.learning_rate, settings.weight_decay)
    if settings.head_learning_rate is not None:
        groups = at_own_rate(groups, _head(model), settings.head_learning_rate)
    groups = [group | {"peak": group.get("lr", settings.learning_rate)} for group in groups]
    if settings.optimizer == "adamw8bit":
        return quantization.adamw_8bit(groups, settings.learning_rate)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def check_head_rate(model: nn.Module, settings: TrainSection) -> None:
    """Raise RecipeError for a learning rate of the head if the model has none of its own. model: pretrained."""
    if settings.head_learning_rate is not None and not _head(model):
        raise RecipeError(
            f"train.head_learning_rate: {type(model).__name__} has no head besides its pretrained output embeddings; "
            "leave it out"
        )


def shares_its_rate(model: nn.Module, settings: TrainSection) -> bool:
    """Whether a new head learned at the same rate as other weights, which may need a lower one."""
    head = {id(weight) for weight in _head(model)}
    trained = {id(weight) for weight in model.parameters() if weight.requires_grad}
    return settings.head_learning_rate is None and bool(head & trained) and bool(trained - head)


def _head(model: nn.Module) -> list[nn.Parameter]:
    """The weights of the head, wrapped by PEFT or not."""
    base = architecture.unwrap(model)
    return [weight for name in architecture.head_modules(base) for weight in base.get_submodule(name).parameters()]


def set_learning_rate(optimizer: torch.optim.Optimizer, fraction: float) -> None:
    """Give each group this fraction of its peak learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * fraction
