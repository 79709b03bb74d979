"""Holds a model's frozen weights in the precision that they compute in.

This applies to linear layers that are not trained. Norms, embeddings and trained weights stay in fp32, as autocast
expects. If the checkpoint has half precision, these layers are never in fp32: a base with 7 billion weights takes 13
GiB from loading to the last step. If the checkpoint has fp32, methods can still read it in fp32 when they start (PiSSA
decomposes it).
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
"""Precisions below fp32, with the dtype of the linear layers."""
SMALL = frozenset({"BF16", "F16"})
"""The names of half precision in safetensors."""


class Frozen(NamedTuple):
    """How frozen weights are held.

    trained: the method's pattern for the names of trained weights.
    """

    precision: str
    trained: str


def cast(model: nn.Module, frozen: Frozen) -> None:
    """Convert the frozen linear layers to the precision that they compute in, in place.

    Autocast would cast them again at every step, to the same numbers: it only caches casts of trained weights. Output
    embeddings tied to the input embeddings are not converted: those are looked up, not multiplied. In a loaded model,
    the trained weights and the head are frozen, too.
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
    """If the checkpoint has half precision, load the weights that `cast` would convert directly in that precision.

    The numbers are the same: half precision loses nothing when converted to fp32 and back, but fp32 takes twice the
    memory.
    """
    dtype = HALF.get(frozen.precision) if frozen is not None else None
    if frozen is None or dtype is None or not frozen.trained or not is_half(where):
        yield
        return
    with dtypes.planned(dtype, lambda model: _matrices(model, frozen.trained)):
        yield


def is_half(where: Path) -> bool:
    """Whether all matrices in a folder's safetensors have half precision."""
    from safetensors import safe_open

    found = set()
    for file in sorted(where.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            slices = [weights.get_slice(name) for name in weights.keys()]  # noqa: SIM118 - it is no dict
            found |= {each.get_dtype() for each in slices if len(each.get_shape()) > 1}
    return bool(found) and found <= SMALL


def held(model: nn.Module) -> dict[str, int]:
    """The number of frozen numbers by dtype: float32, bfloat16, int8, nf4."""
    found: dict[str, int] = {}
    for name, weight in model.named_parameters():
        if not weight.requires_grad and ".original_module." not in name:  # PEFT's copy of a head before training
            state = getattr(weight, "quant_state", None)
            kind = str(weight.dtype).removeprefix("torch.") if state is None else str(state.quant_type)
            found[kind] = found.get(kind, 0) + quantization.elements(weight)
    return found


def _may_freeze(name: str, module: nn.Module, trained: str) -> bool:
    """Whether this is an unquantised linear layer without weights that are named as trained."""
    if not isinstance(module, torch.nn.Linear) or linear_layers.is_quantised(module):
        return False
    return not any(re.search(trained, f"{name}.{key}") for key, _ in module.named_parameters(recurse=False))


def _matrices(model: Any, trained: str) -> list[str]:
    """The names of the linear layers' matrices that will be frozen, for a model without numbers and without a method.

    Its weights are not tied yet, but it knows which will be.
    """
    ties: dict[str, str] = getattr(model, "all_tied_weights_keys", None) or {}
    heads = tuple(f"{head}." for head in architecture.head_modules(model))
    apart = {*ties, *ties.values()}
    names = [f"{name}.weight" for name, module in model.named_modules() if _may_freeze(name, module, trained)]
    return [name for name in names if name not in apart and not name.startswith(heads)]
