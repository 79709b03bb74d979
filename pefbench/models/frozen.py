"""The frozen weights of a model: which are held in the precision that they compute in, and from when on.

Linear layers that are not trained are. Norms, embeddings and what is trained stay in fp32, as autocast wants them.
Where the checkpoint has half precision, they are never anything else: a base of 7 billion weights takes 13 GiB from the
file to the last step. Where it has fp32, methods may still look at it in fp32 as they start (PiSSA decomposes it).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from pefbench.models import architecture, linear_layers, quantization
from pefbench.models.patches import dtypes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Precisions of less than fp32, and the dtype that linear layers are held in."""
SMALL = frozenset({"BF16", "F16"})
"""What safetensors call half precision."""


class Frozen(NamedTuple):
    """How frozen weights are held.

    trained: the method's pattern of the names that are trained.
    """

    precision: str
    trained: str


def cast(model: nn.Module, frozen: Frozen) -> None:
    """Hold the frozen linear layers in the precision they compute in, in place.

    Autocast would cast them anew at every step, to the same numbers: it keeps casts only of weights that are trained.
    Output embeddings that are the input embeddings stay as they are: those are looked up, not multiplied.
    In a model that was loaded the trained weights, and the head, are frozen too.
    """
    dtype = HALF.get(frozen.precision)
    if dtype is None:
        return
    embeddings = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    for name, module in model.named_modules():
        if not _may_freeze(name, module, frozen.trained) or ".modules_to_save." in name:
            continue
        weights = [*module.parameters(recurse=False)]
        if any(weight.requires_grad or weight is embedding for weight in weights for embedding in embeddings):
            continue
        for weight in weights:
            if weight.dtype == torch.float32:
                weight.data = weight.data.to(dtype)


@contextmanager
def loaded(where: Path, frozen: Frozen | None) -> Iterator[None]:
    """Have weights that `cast` would cast loaded as that would leave them, where the checkpoint has them in half.

    They are the same numbers then: what is half already loses nothing on the way through fp32, and takes twice the
    memory.
    """
    dtype = HALF.get(frozen.precision) if frozen is not None else None
    if frozen is None or dtype is None or not frozen.trained or not is_half(where):
        yield
        return
    with dtypes.planned(dtype, lambda model: _matrices(model, frozen.trained)):
        yield


def is_half(where: Path) -> bool:
    """Whether all matrices in a folder's safetensors are of half precision."""
    from safetensors import safe_open

    found = set()
    for file in sorted(where.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            slices = [weights.get_slice(name) for name in weights.keys()]  # noqa: SIM118 - it is no dict
            found |= {each.get_dtype() for each in slices if len(each.get_shape()) > 1}
    return bool(found) and found <= SMALL


def held(model: nn.Module) -> dict[str, int]:
    """How many frozen numbers there are, by what they are held in: float32, bfloat16, int8, nf4."""
    found: dict[str, int] = {}
    for name, weight in model.named_parameters():
        if not weight.requires_grad and ".original_module." not in name:  # PEFT's copy of a head before training
            state = getattr(weight, "quant_state", None)
            kind = str(weight.dtype).removeprefix("torch.") if state is None else str(state.quant_type)
            found[kind] = found.get(kind, 0) + quantization.elements(weight)
    return found


def _may_freeze(name: str, module: nn.Module, trained: str) -> bool:
    """Whether this is a linear layer, not quantised, of which no weight is named as trained."""
    if not isinstance(module, torch.nn.Linear) or linear_layers.is_quantised(module):
        return False
    return not any(re.search(trained, f"{name}.{key}") for key, _ in module.named_parameters(recurse=False))


def _matrices(model: Any, trained: str) -> list[str]:
    """The names of what will be frozen matrices of linear layers, in a model without numbers, before any method.

    Its weights are not tied yet, but it knows which will be.
    """
    ties: dict[str, str] = getattr(model, "all_tied_weights_keys", None) or {}
    heads = tuple(f"{head}." for head in architecture.head_modules(model))
    apart = {*ties, *ties.values()}
    names = [f"{name}.weight" for name, module in model.named_modules() if _may_freeze(name, module, trained)]
    return [name for name in names if name not in apart and not (heads and name.startswith(heads))]
