"""Puts the adapters that a trial starts from onto its model, and loads our own kinds through PEFT."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from pefbench.errors import DataError, SourceError
from pefbench.models import architecture, from_pretrained, loading, stacked
from pefbench.models.from_pretrained import ADAPTER, ADAPTER_WEIGHTS
from pefbench.models.patches import notices
from pefbench.models.reading import reading
from pefbench.trial.adapters import dotted, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from pefbench.trial.adapters import Adapter

SMALL_RANK = 2**13
"""PEFT may allocate weights up to this rank at once, even if no dimension of the file's weights is that large."""
TOLERANCE = 1e-3
"""The largest difference between the outputs before and after merging, relative to the largest output."""


def put_on(model: nn.Module, adapters: Sequence[Adapter]) -> nn.Module:
    """Apply the adapters to the model; its weights stay trainable. Raises SourceError if an adapter does not fit."""
    for adapter in adapters:
        weights, heads = _read_weights(adapter), architecture.head_modules(model)
        in_head = {key: weight for key, weight in weights.items() if plain(key).startswith(dotted(heads))}
        others = {key: weight for key, weight in weights.items() if key not in in_head}
        model = _put_on(model, adapter, others) if adapter.kind else _copied(model, adapter, others)
        if adapter.head == "kept":
            model = _copied(model, adapter, in_head)
            loading.order_labels(model, adapter.label_order)
    return model


def register() -> None:
    """Register our own tuners with PEFT; must run before one of their adapters is loaded."""
    from pefbench.methods.tuners import bottleneck, butterfly, mam, placed

    bottleneck.register()
    butterfly.register()
    mam.register()
    placed.register()


def check_rank(saved: Path) -> None:
    """Raise DataError for a rank that no weight of the adapter has: PEFT would allocate weights of that size first."""
    from safetensors import safe_open

    with reading(f"{saved}: the adapter cannot be loaded", DataError):
        rank = json.loads((saved / ADAPTER).read_text(encoding="utf8")).get("r", 0)
        with safe_open(saved / ADAPTER_WEIGHTS, framework="pt") as weights:
            sizes = [size for name in weights.keys() for size in weights.get_slice(name).get_shape()]  # noqa: SIM118
    if isinstance(rank, int) and rank > max(SMALL_RANK, *sizes):
        raise DataError(f"{saved / ADAPTER}: damaged: r is {rank}, and no weight is that large")


def _put_on(model: nn.Module, adapter: Adapter, weights: Mapping[str, Tensor]) -> nn.Module:
    """Apply a PEFT adapter, without its head."""
    register()
    check_rank(adapter.folder)
    trained = {name: weight.requires_grad for name, weight in model.named_parameters()}
    in_eval = not model.training
    with notices.norms_without_sizes(), notices.ranks_of_adalora():
        wrapped, whole = from_pretrained.bare_adapter(model, adapter.folder, weights, adapter.source)
    wrapped.eval()
    if adapter.mode == "stack":
        unwrapped = stacked.keep(wrapped, adapter.source)
    else:
        before = _outputs(cast("Any", wrapped).get_base_model())
        with reading(f"{adapter.source}: cannot be merged"):
            unwrapped = cast("Any", wrapped).merge_and_unload(safe_merge=True)
        _check_same(before, _outputs(unwrapped), adapter)
    if hasattr(unwrapped, "peft_config"):
        del unwrapped.peft_config
    unwrapped = _copied(unwrapped, adapter, whole)
    for name, weight in unwrapped.named_parameters():
        weight.requires_grad_(trained[name])
    return unwrapped.train(not in_eval)


def _copied(model: nn.Module, adapter: Adapter, weights: Mapping[str, Tensor]) -> nn.Module:
    """Copy weights of the model itself into it, in place. Raises SourceError unless every weight fits."""
    import torch

    places = model.state_dict()
    named = {plain(key) if adapter.kind else key: weight for key, weight in weights.items()}
    from_pretrained.check_fit(named, {key: tuple(place.shape) for key, place in places.items()}, adapter.source)
    with torch.no_grad():
        for name, weight in named.items():
            places[name].copy_(weight)
    return model


def _outputs(model: Any) -> Tensor:
    """The model's outputs for a short text, flattened."""
    import torch

    from pefbench.methods.tuners import prefix_tokens

    with torch.no_grad():
        found = prefix_tokens.probe(model)
    states: Tensor = next(iter(found.values()))
    return states.float().flatten()


def _check_same(before: Tensor, after: Tensor, adapter: Adapter) -> None:
    """Raise SourceError if merging changes the model's outputs: PEFT cannot merge every option."""
    far = float((before - after).abs().max() / before.abs().max().clamp(min=1e-6))
    if not far <= TOLERANCE:
        raise SourceError(
            f"{adapter.source}: merging changes the model's outputs by {far:.1%}: PEFT cannot merge this {adapter.kind}"
        )


def _read_weights(adapter: Adapter) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    with reading(f"{adapter.source}: the adapter's weights cannot be read"):
        weights: dict[str, Tensor] = load_file(adapter.weights)
    return weights
