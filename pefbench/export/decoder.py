"""Exports a decoder to an ONNX graph with a cache, with transformers' own exporter.

One graph serves both the prompt, with an empty cache, and each token after it.
"""

from __future__ import annotations

import contextlib
import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import MethodError
from pefbench.export.graph import quiet
from pefbench.models.patches import attention
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.inference.kind import Json

TRACED = (2, 5, 3)
"""Texts, cached tokens and new tokens of the example with which a model is traced; the graph accepts other numbers."""


def check(config: Any) -> None:
    """Raise MethodError for a decoder without such a graph, because its positions or its cache depend on the length."""
    if find_spec("transformers.exporters") is None:
        raise MethodError("--as onnx: this version of transformers has no exporters; install 5.23")
    rope: Any = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") in ("dynamic", "longrope"):
        raise MethodError(f"--as onnx: {config.model_type}'s RoPE depends on the length ({rope['rope_type']})")


def write(model: nn.Module, to: Path) -> Json:
    """Write the graph of a merged decoder, in fp32; return its cache: input names, heads and widths.

    Raises MethodError if its cache is not the keys and values of all tokens, or transformers cannot export it.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    decoder: Any = model
    kind = type(decoder).__name__
    rows, before, after = TRACED
    failure = reading(f"{kind}: transformers cannot export it to ONNX", MethodError)
    with quiet(), torch.no_grad(), attention.eager(decoder), failure:
        past = decoder(input_ids=torch.ones((rows, before), dtype=torch.long), use_cache=True).past_key_values
        layers = getattr(past, "layers", [])
        if not isinstance(past, DynamicCache) or any(type(layer) is not DynamicLayer for layer in layers):
            raise MethodError(f"--as onnx: the cache of {kind} is not the keys and values of all tokens")
        inputs: Json = {
            "input_ids": torch.ones((rows, after), dtype=torch.long),
            "attention_mask": torch.ones((rows, before + after), dtype=torch.long),
            "past_key_values": past,
            "use_cache": True,
        }
        with contextlib.redirect_stdout(io.StringIO()):  # its progress messages
            program = OnnxExporter().export(decoder, inputs, config=OnnxConfig(dynamic=True)).program
        names = [each.name for each in program.graph.inputs if each.name not in inputs]
        tensors = [part for layer in layers for part in (layer.keys, layer.values)]
        if len(names) != len(tensors):
            raise MethodError(f"--as onnx: the cache of {kind} has {len(tensors)} parts, but its graph {len(names)}")
        OnnxExporter.save_program(program, to)
    return {"cache": [[name, part.shape[1], part.shape[3]] for name, part in zip(names, tensors, strict=True)]}
