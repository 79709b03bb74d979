"""What a trial saves of its model, and how that is loaded again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.errors import DataError
from pefbench.models import architecture, from_pretrained, loading
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.methods import Method
    from pefbench.sections import Quantize


TRAINED = "trained.safetensors"
SMALL_RANK = 2**13
"""A rank up to which PEFT makes its weights at once, though none in the file may have that size."""


def save(model: nn.Module, to: Path, method: Method) -> int:
    """Save what the method trained, as safetensors; return the bytes of the weight files.

    That is an adapter with its head, as PEFT lays it out, or the full model, or TRAINED: the trained weights by name.
    """
    with atomic.output_errors(to):
        _write(model, to, method)
    return sum(file.stat().st_size for file in to.glob("*.safetensors"))


def _write(model: nn.Module, to: Path, method: Method) -> None:
    saving: Any = model
    weights = dict(model.named_parameters())
    if hasattr(model, "peft_config"):
        method.save_adapter(model, to)
    elif all(weight.requires_grad for weight in weights.values()):
        saving.save_pretrained(to)
    else:
        from safetensors.torch import save_file

        to.mkdir(parents=True, exist_ok=True)
        trained = {name: weight.detach().contiguous() for name, weight in weights.items() if weight.requires_grad}
        save_file(trained, to / TRAINED, metadata={"format": "pt"})


def load_saved(
    saved: Path, base: Path, config: PretrainedConfig, head: Head, *, attention: str, quantize: Quantize = "none"
) -> nn.Module:
    """The model that `save` wrote: the full model, or the pretrained one with the trained weights or the adapter.

    `attention` and `quantize` as for `load_pretrained`.
    """
    if not (saved / TRAINED).exists() and not (saved / "adapter_config.json").exists():
        # Its head is the one that was trained, whatever its config calls the labels.
        trained = replace(loading.examine(saved, config, head, str(saved)), head="kept", label_order=())
        return loading.load_pretrained(saved, config, head, attention=attention, quantize=quantize, found=trained)
    pretrained = loading.load_pretrained(base, config, head, attention=attention, quantize=quantize)
    if (saved / TRAINED).exists():
        return _load_trained(saved / TRAINED, pretrained)
    from pefbench.methods.tuners import bottleneck, butterfly, mam
    from pefbench.models.patches import notices

    bottleneck.register()
    butterfly.register()
    mam.register()
    _check_rank(saved)
    with notices.norms_without_sizes(), notices.ranks_of_adalora():
        return from_pretrained.adapter(pretrained, saved)


def _check_rank(saved: Path) -> None:
    """Raise DataError for a rank that no weight of the adapter has: PEFT would make such weights first."""
    from safetensors import safe_open

    with reading(f"{saved}: the adapter cannot be loaded", DataError):
        rank = json.loads((saved / "adapter_config.json").read_text(encoding="utf8")).get("r", 0)
        with safe_open(saved / "adapter_model.safetensors", framework="pt") as weights:
            sizes = [size for name in weights.keys() for size in weights.get_slice(name).get_shape()]  # noqa: SIM118
    if isinstance(rank, int) and rank > max(SMALL_RANK, *sizes):
        raise DataError(f"{saved / 'adapter_config.json'}: damaged: r is {rank}, and no weight is that large")


def _load_trained(file: Path, model: nn.Module) -> nn.Module:
    """Put trained weights into the pretrained model. Raises DataError unless they fit, the whole head among them."""
    from safetensors.torch import load_file

    with reading(f"{file}: the trained weights cannot be loaded", DataError):
        trained = load_file(file)
        untrained, unknown = model.load_state_dict(trained, strict=False)
    heads = tuple(f"{name}." for name in architecture.head_modules(model))
    lost = [name for name in untrained if name.startswith(heads)] if heads else []
    if lost or unknown:
        raise DataError(f"{file}: not weights of {type(model).__name__}: {', '.join([*lost, *unknown][:3])}")
    for name, weight in model.named_parameters():
        weight.requires_grad_(name in trained)
    return model
