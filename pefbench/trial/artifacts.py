"""Saves a trial's model, and loads it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench import atomic
from pefbench.errors import DataError
from pefbench.models import architecture, from_pretrained, loading, vocabulary
from pefbench.models.from_pretrained import ADAPTER
from pefbench.models.patches import notices
from pefbench.models.reading import reading
from pefbench.trial import adapter_weights
from pefbench.trial.adapters import TRAINED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn
    from transformers import PretrainedConfig

    from pefbench.heads import Head
    from pefbench.methods import Method
    from pefbench.models.checkpoint import Checkpoint
    from pefbench.models.frozen import Frozen
    from pefbench.sections import Quantize
    from pefbench.trial.adapters import Adapter


def save(model: nn.Module, to: Path, method: Method) -> int:
    """Save what the method trained, as safetensors; return the size of the weight files in bytes.

    This is an adapter with its head in PEFT's layout, the full model, or TRAINED: the trained weights by name.
    """
    with atomic.output_errors(to):
        _write(model, to, method)
        atomic.allow_usual(to)
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
    saved: Path,
    base: Path,
    config: PretrainedConfig,
    head: Head,
    *,
    attention: str,
    quantize: Quantize = "none",
    before: Sequence[Adapter] = (),
    found: Checkpoint | None = None,
    keep: Frozen | None = None,
) -> nn.Module:
    """The model that `save` wrote: the full model, or the pretrained one with the trained weights or the adapter.

    `attention`, `quantize`, `keep` and `found` (of the base) are as for `load_pretrained`. before: the adapters that
    training started from.
    """
    if not (saved / TRAINED).exists() and not (saved / ADAPTER).exists():
        config = vocabulary.sized_like(config, from_pretrained.config(saved, str(saved)))
        own = loading.examine(saved, config, head, str(saved), trained=True)
        return loading.load_pretrained(saved, config, head, attention=attention, quantize=quantize, found=own)
    pretrained = loading.load_pretrained(
        base, config, head, attention=attention, quantize=quantize, found=found, keep=keep
    )
    pretrained = adapter_weights.put_on(pretrained, before)
    if (saved / TRAINED).exists():
        return _load_trained(saved / TRAINED, pretrained)
    adapter_weights.register()
    adapter_weights.check_rank(saved)
    with notices.norms_without_sizes(), notices.ranks_of_adalora():
        return from_pretrained.adapter(pretrained, saved)


def _load_trained(file: Path, model: nn.Module) -> nn.Module:
    """Load trained weights into the pretrained model. Raises DataError unless they fit and contain the whole head."""
    from safetensors.torch import load_file

    with reading(f"{file}: the trained weights cannot be loaded", DataError):
        trained = load_file(file)
        untrained, unknown = model.load_state_dict(trained, strict=False)
    heads = tuple(f"{name}." for name in architecture.head_modules(model))
    lost = [name for name in untrained if name.startswith(heads)]
    if lost or unknown:
        raise DataError(f"{file}: not weights of {type(model).__name__}: {', '.join([*lost, *unknown][:3])}")
    for name, weight in model.named_parameters():
        weight.requires_grad_(name in trained)
    return model
