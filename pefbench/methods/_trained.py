"""Checks that a method trains the whole head, and something of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import MethodError
from pefbench.methods import NOTHING
from pefbench.models import architecture
from pefbench.models.drawn import POOLER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from pefbench.methods import Method


def head_sizes(model: nn.Module) -> dict[str, int]:
    """The number of weights of each module of a pretrained model's head; empty for language models."""
    heads = architecture.head_modules(model)
    return {name: sum(weight.numel() for weight in model.get_submodule(name).parameters()) for name in heads}


def check_trained(model: nn.Module, method: Method, heads: Mapping[str, int]) -> None:
    """Raise MethodError unless the method trains the whole head, and something of its own, on `model`.

    heads: what `head_sizes` returned for the pretrained model.
    """
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    where = f"method {method.name} on {type(architecture.unwrap(model)).__name__}"
    if not trained:
        raise MethodError(f"{where}: nothing would be trained")
    for name, size in heads.items():
        module = architecture.unwrap(model).get_submodule(name)
        found = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
        if found != size:
            raise MethodError(f"{where}: {found:,} of the {size:,} weights of its head {name!r} would be trained")
    if method.trainable_pattern != NOTHING and not any(re.search(method.trainable_pattern, name) for name in trained):
        raise MethodError(f"{where}: it changes no module of the model")


def check_drawn(method: Method, at_random: Mapping[str, nn.Parameter]) -> None:
    """Raise MethodError if the method, already applied, leaves weights that were randomly initialised untrained.

    at_random: what `models.drawn` found in the pretrained model.
    """
    left = next((name for name, weight in at_random.items() if not weight.requires_grad), None)
    if left is None:
        return
    instead = "set model.pooling to mean, or use method full" if POOLER in left.split(".") else "use method full"
    raise MethodError(
        f"method {method.name}: the checkpoint lacks {left}, and the method would leave it randomly initialised; "
        f"{instead}"
    )
