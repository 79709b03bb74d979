"""A model's backbone and head, and the backbone's repeated layers, called blocks.

They are found from the model's own modules: a transformer is a few lists of repeated layers, so new architectures need
no table of names. For the content of a block, see `models/sublayers.py`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from pefbench.errors import MethodError
from pefbench.models.linear_layers import join, linears, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator


def unwrap(model: Any) -> Any:
    """The pretrained model inside PEFT's wrapper, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def backbone_name(model: nn.Module) -> str:
    """The attribute of `model` that holds its pretrained body, or "" if the model is its own backbone.

    A bare `BertModel` and a `T5ForConditionalGeneration` (encoder and decoder side by side) are their own backbones.
    `Llama4ForCausalLM` names another attribute than it has: there it is the only pretrained model beside the output
    embeddings.
    """
    prefix = getattr(model, "base_model_prefix", "")
    if prefix and isinstance(getattr(model, prefix, None), nn.Module):
        return prefix
    bodies = [name for name, child in model.named_children() if isinstance(child, PreTrainedModel)]
    speaks = isinstance(model, PreTrainedModel) and model.get_output_embeddings() is not None
    return bodies[0] if speaks and len(bodies) == 1 else ""


def backbone(model: nn.Module) -> nn.Module:
    """The pretrained body of `model`: everything but the head. See `backbone_name`."""
    name = backbone_name(model)
    return model.get_submodule(name) if name else model


def head_modules(model: nn.Module) -> list[str]:
    """The top-level modules outside the backbone that have parameters, in order.

    They are what a task adds on top, and must be trained and saved with an adapter: `classifier`, `score`,
    `qa_outputs`, `pre_classifier` and `classifier`... Empty for language models: their output embeddings come with the
    pretrained weights, tied to the input embeddings or not.
    """
    inside = backbone_name(model)
    children = dict(model.named_children())
    pretrained = {inside} if inside else {"encoder", "decoder"}  # side by side, as in T5ForQuestionAnswering
    if not pretrained <= children.keys():
        return []
    embeddings = (token_embeddings(model), cast("Any", model).get_output_embeddings())
    return [
        name
        for name, child in children.items()
        if name not in pretrained
        and next(child.parameters(), None) is not None
        and not any(module is each for module in child.modules() for each in embeddings)
    ]


def token_embeddings(model: nn.Module) -> nn.Module | None:
    """The token embedding table; None if the model has none, like CANINE."""
    reading: Any = model
    try:
        found: nn.Module | None = reading.get_input_embeddings()
    except NotImplementedError:
        return None
    return found


def blocks(model: nn.Module) -> list[str]:
    """The names of the repeated transformer layers; in an encoder-decoder, the encoder's come first.

    Raises MethodError if the backbone has no list of layers that contain linear layers.
    """
    found = list(_blocks(backbone(model), backbone_name(model)))
    if not found:
        raise MethodError(f"{type(model).__name__}: its backbone has no list (ModuleList) of layers with linear layers")
    return found


def linear_modules(model: nn.Module) -> list[str]:
    """The names of all linear layers inside the blocks, without the head, a pooler or embeddings.

    Covers nn.Linear with its quantised subclasses (bitsandbytes) and transformers' Conv1D.
    """
    return [linear.name for block in blocks(model) for linear in linears(model.get_submodule(block), block)]


def unlisted_matrices(model: nn.Module) -> dict[str, nn.Parameter]:
    """The frozen tensors in blocks that hold several matrices each, by name: of experts, of XLNet's heads.

    They are not linear layers, so `linear_modules` and the methods that adapt linear layers leave them out.
    """
    return {
        join(name, key): weight
        for name, module in model.named_modules()
        if not isinstance(module, nn.Conv1d)
        for key, weight in module.named_parameters(recurse=False)
        if weight.ndim == 3 and min(weight.shape) > 1 and not weight.requires_grad
    }


def fixed_weights(model: PreTrainedModel) -> set[str]:
    """The names of the weights that the architecture itself never trains: the sinusoids of Marian's positions.

    A model that was loaded, merged or wrapped no longer shows them; a new one of its class without numbers does.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        skeleton = type(model)(copy.deepcopy(model.config))
    return {name for name, weight in skeleton.named_parameters() if not weight.requires_grad}


def norms(model: nn.Module) -> list[str]:
    """The backbone's layer norms and RMS norms that have weights, identified by their class.

    A norm is torch's LayerNorm or RMSNorm, or an architecture's own class named ...Norm, or ...NormGated as in linear
    attentions, with a single weight vector.
    """
    return list(_norms(backbone(model), backbone_name(model)))


def _blocks(module: nn.Module, name: str) -> Iterator[str]:
    """The outermost members of module lists that contain linear layers; a list of lists counts as one list."""
    for child_name, child in module.named_children():
        full = join(name, child_name)
        if isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList):
            if any(True for _ in linears(child, full)):
                yield full
        else:
            yield from _blocks(child, full)


def _norms(module: nn.Module, name: str) -> Iterator[str]:
    """The norms at and below `module`, without modules that PEFT put inside a norm."""
    if _is_norm(unwrapped(module)):
        yield name
        return
    for child_name, child in module.named_children():
        yield from _norms(child, join(name, child_name))


def _is_norm(module: nn.Module) -> bool:
    named = isinstance(module, nn.LayerNorm | nn.RMSNorm) or type(module).__name__.endswith(("Norm", "NormGated"))
    weight = getattr(module, "weight", None)
    return named and isinstance(weight, nn.Parameter) and weight.ndim == 1 and not any(True for _ in module.children())
