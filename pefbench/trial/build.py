"""Builds a trial's model from what `prepare` read: the pretrained model with the method, or the saved model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import MethodError
from pefbench.methods._trained import check_drawn, check_trained, head_sizes
from pefbench.methods.tuners import prefix_tokens
from pefbench.models import (
    architecture,
    drawn,
    frozen,
    linear_layers,
    loading,
    recompute,
    sparse_attention,
    stacked,
    vocabulary,
)
from pefbench.models.frozen import Frozen
from pefbench.models.patches import questions
from pefbench.trial import adapter_weights, artifacts, devices, optimizer
from pefbench.trial.schedule import total_steps

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from transformers import PretrainedConfig

    from pefbench.methods import Method
    from pefbench.models.loading import HeadSpec
    from pefbench.trial.cache import Shared
    from pefbench.trial.prepare import Prepared, Ready


def attention(ready: Ready) -> str:
    """The attention implementation for the trial."""
    return attention_of(ready.config, ready.head, ready.recipe.train.precision)


def attention_of(config: PretrainedConfig, head: HeadSpec, precision: str) -> str:
    """The attention implementation for a model of this config under this head."""
    values = [item for part in loading.stacks(config) for item in part.to_dict().items()]
    # T5 has one rate for all its dropout, including attention
    rates = [value for key, value in values if key == "dropout_rate" or ("att" in key and "drop" in key)]
    fused = loading.model_class(config, head)._supports_sdpa
    return devices.attention(precision, dropout=any(rates)) if fused else "eager"


def pretrained(prepared: Prepared, shared: Shared | None = None) -> nn.Module:
    """The pretrained model with a new head, initialised with the seed. shared: keeps the weights for other trials."""
    from accelerate.utils import set_seed

    set_seed(prepared.recipe.train.seed)
    quantize = prepared.recipe.model.quantize
    model = loading.load_pretrained(
        prepared.base,
        prepared.config,
        prepared.head,
        attention=attention(prepared),
        quantize=quantize,
        weights=shared.weights(prepared.base) if shared and quantize == "none" else None,
        found=prepared.checkpoint,
        keep=kept_small(prepared),
    )
    model = adapter_weights.put_on(model, prepared.adapters)
    if prepared.new_rows:
        vocabulary.grow(model, prepared.new_rows, prepared.recipe.model.name)
    return model


def with_method(prepared: Prepared, model: nn.Module) -> nn.Module:
    """The pretrained model with the recipe's method applied, ready to train. Raises MethodError, RecipeError."""
    method, encoded = prepared.recipe.method, prepared.encoded["train"]
    optimizer.check_head_rate(model, prepared.recipe.train)
    if method.virtual_tokens() and sparse_attention.is_sparse(prepared.config):
        raise MethodError(
            f"method {method.name}: its virtual tokens do not work with BigBird's sparse attention; shorten "
            "train.max_length until the attention is full, or use another method"
        )
    if prepared.recipe.train.recompute:
        recompute.apply(model)
    heads, at_random = head_sizes(model), drawn.at_random(model, prepared.checkpoint.lacking)
    model = method.apply(model, prepared.head.task_type)
    check_trained(model, method, heads)
    check_drawn(method, at_random)
    method.on_train_begin(model, prepared.tokenizer, encoded, total_steps(prepared.recipe.train, len(encoded)))
    make_ready(prepared, model)
    check_stacked(method, model)
    return model


def doubts(method: Method, model: nn.Module) -> list[str]:
    """Warnings that need the model with its method applied."""
    left_out = architecture.unlisted_matrices(model)
    if not left_out or not linear_layers.any_adapted(model):
        return []
    share = 100 * sum(weight.numel() for weight in left_out.values()) / loading.count(model)
    ends = sorted({name.rpartition(".")[2] for name in left_out})
    what = "the experts" if all("experts" in name.split(".") for name in left_out) else ", ".join(ends)
    note = f"method {method.name} does not adapt {what}, {share:.0f} % of the weights"
    return [f"{note}: they are tensors of their own, not linear layers"]


def saved(ready: Ready, folder: Path) -> nn.Module:
    """The trained model that a trial saved in `folder`, ready to predict. Raises DataError if it is damaged."""
    model = artifacts.load_saved(
        folder,
        ready.base,
        ready.config,
        ready.head,
        attention=attention(ready),
        quantize=ready.recipe.model.quantize,
        before=ready.adapters,
        found=ready.checkpoint,
        keep=kept_small(ready),
    )
    make_ready(ready, model)
    return model


def make_ready(ready: Ready, model: nn.Module) -> None:
    """Set up a model with its method, new or loaded, to compute in the trial's precision; in place."""
    method = ready.recipe.method
    questions.hand_on(model)
    method.on_model_ready(model)
    if not ready.recipe.train.fast_paths:
        method.undo_fast_paths(model)
    frozen.cast(model, Frozen(ready.recipe.train.precision, method.trainable_pattern))


def kept_small(ready: Ready) -> Frozen | None:
    """How to load the frozen weights. None: in fp32, so that their sums with merged adapters are rounded only once."""
    if any(adapter.mode == "merge" for adapter in ready.adapters):
        return None
    return Frozen(ready.recipe.train.precision, ready.recipe.method.trainable_pattern)


def check_stacked(method: Method, model: nn.Module) -> None:
    """Raise MethodError if an adapter that is stacked under the method would be lost or bypassed."""
    import torch

    if not stacked.layers(model):
        return
    if method.trains_everything:
        raise MethodError(
            f"method {method.name} trains and saves the base model's weights, and would lose the adapter stacked on "
            "them; set model.adapter_mode to merge"
        )
    with torch.no_grad():
        unwrapped = architecture.unwrap(model)
        stacked.check_called(model, f"method {method.name}", lambda: prefix_tokens.probe(unwrapped))
