"""Merges an adapter into the weights, in fp32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import MethodError
from pefbench.models import stacked
from pefbench.models.from_pretrained import ADAPTER, read_json
from pefbench.models.reading import reading
from pefbench.trial.adapters import UNMERGED

if TYPE_CHECKING:
    from torch import nn

    from pefbench.export.original import Original

HOW = {
    "BOTTLENECK": "its layers are not linear",
    "MAM": "it adds layers and a prefix to the weights",
    "PREFIX_TUNING": "a prefix consists of keys and values, not weights",
    "PROMPT_TUNING": "a prompt consists of embeddings before the text, not weights",
    "P_TUNING": "a prompt consists of embeddings before the text, not weights",
}


def kind(original: Original) -> str:
    """The adapter's type in PEFT; "" if the trial saved weights of the model itself."""
    file = original.model_folder / ADAPTER
    return str(read_json(file).get("peft_type")).upper() if file.is_file() else ""


def refusal(original: Original) -> str | None:
    """Why the trial's model cannot be merged, or None."""
    found, model = kind(original), original.prepared.recipe.model
    if found in UNMERGED:
        return (
            f"method {original.prepared.recipe.method.name} does not merge: {HOW.get(found, 'it changes no weights')}"
        )
    if model.quantize != "none" and found:
        return f"the base is quantised ({model.quantize}): merged into its weights, the adapter would be rounded away"
    if any(adapter.mode == "stack" for adapter in original.prepared.adapters):
        return "its adapter is stacked on another one (model.adapter_mode: stack); train with adapter_mode merge"
    return None


def merged(original: Original, model: nn.Module) -> nn.Module:
    """The model with its adapter merged, in place. Raises MethodError if PEFT cannot merge it."""
    if not kind(original):
        return model
    changed: Any = model
    with reading(f"method {original.prepared.recipe.method.name}: cannot be merged", MethodError):
        unwrapped: nn.Module = changed.merge_and_unload(safe_merge=True)
    if hasattr(unwrapped, "peft_config"):
        del unwrapped.peft_config
    if stacked.layers(unwrapped):
        raise MethodError("an adapter that is stacked under the method would be lost")
    return unwrapped.eval()
