"""The parts of a model that training changes: trainable weights, and the persistent buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pefbench.trial import sharding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Trainable weights and persistent buffers by name: the model's own tensors, or copies with ZeRO-3."""
    return {name: sharding.read(place) for name, place in _places(model).items()}


@torch.no_grad()
def restore(model: nn.Module, saved: Mapping[str, torch.Tensor]) -> None:
    """Copy a `state` back in place; both must have the same names."""
    places = _places(model)
    if places.keys() != saved.keys():
        raise RuntimeError(f"the checkpoint holds other weights: {sorted(places.keys() ^ saved.keys())[:5]}")
    for name, place in places.items():
        sharding.write(place, saved[name])


def _places(model: nn.Module) -> dict[str, torch.Tensor]:
    sharding.settle(model)
    persistent = model.state_dict().keys()
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    return weights | {name: buffer for name, buffer in model.named_buffers() if name in persistent}
