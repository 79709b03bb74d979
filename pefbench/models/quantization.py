"""Quantised models: frozen linear layers in 8 or 4 bits, by bitsandbytes; other weights are trained.

- `int8`: one scale per row (LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339, section 2.1). On a GPU activations are
  rounded, too, except outliers; on a CPU only weights are.
- `nf4`: 4-bit NormalFloat, one scale for each block of 64 (QLoRA, Dettmers et al. 2023, arXiv:2305.14314, section 3).
- `nf4-double`: the same with the scales themselves in 8 bits (section 3, "Double Quantization").

The linear layers of the transformer blocks are quantised. Embeddings, norms, biases, pooler, output embeddings and the
head are not: the head is trained, and a layer that the checkpoint lacks has nothing to quantise.

PEFT's `prepare_model_for_kbit_training` is not needed: every method freezes what it does not train, the unquantised
weights are loaded in fp32, and `recompute` does not require inputs with gradients.
"""

from __future__ import annotations

import copy
import math
import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch
from packaging.version import Version
from torch import nn
from transformers.pytorch_utils import Conv1D

from pefbench.errors import RecipeError, SourceError
from pefbench.models import architecture
from pefbench.models.patches import methods, notices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor
    from transformers import BitsAndBytesConfig, PretrainedConfig

    from pefbench.sections import Quantize

OLDEST = "0.50"
"""The oldest supported version of bitsandbytes."""

notices.mute_bitsandbytes()  # before any library imports bitsandbytes, which logs a line on import


def check_installed(quantize: Quantize, optimizer: str) -> None:
    """Raise RecipeError if a recipe needs bitsandbytes, and it is missing or too old."""
    if quantize != "none":
        key = f"model.quantize: {quantize}"
    elif optimizer == "adamw8bit":
        key = f"train.optimizer: {optimizer}"
    else:
        return
    try:
        there = version("bitsandbytes")
    except PackageNotFoundError:
        there = "0"
    if Version(there) < Version(OLDEST):
        raise RecipeError(f"{key} needs bitsandbytes {OLDEST} or newer: pip install 'pefbench[quantize]'")


def settings(quantize: Quantize, auto_class: Any, config: PretrainedConfig) -> BitsAndBytesConfig:
    """Transformers' settings that quantise only the linear layers of this model's blocks."""
    from transformers import BitsAndBytesConfig

    skipped = [f"{re.escape(name)}$" for name in _outside_blocks(auto_class, config)]
    if quantize == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skipped)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=quantize == "nf4-double",
        llm_int8_skip_modules=skipped,
    )


def settle(model: nn.Module) -> None:
    """Make quantised layers compute as frozen linear layers do, in place; bitsandbytes' results stay the same.

    bitsandbytes' own layers change themselves as they compute. In a forward pass without gradients, a 4-bit layer on a
    CPU repacks its weight for a bf16 kernel that has no backward pass, so the layers below never get a gradient again.
    Both kinds cast their bias in place to the input's dtype, and cannot compute a gradient for it. On a CPU, int8
    layers use another rule for prediction than for training.

    Raises SourceError for a quantised layer whose weight the checkpoint lacks, and RecipeError for one whose weight
    bitsandbytes misreads.
    """
    forwards = {"Linear4bit": _forward_4bit, "Linear8bitLt": _forward_8bit}
    for name, layer in model.named_modules():
        forward = forwards.get(type(layer).__name__)
        if forward is None:
            continue
        if _scales(layer.weight) is None:
            raise SourceError(f"{name}: the checkpoint has no weight for it, and random ones cannot be quantised")
        _check_reading(name, layer)
        methods.replace(layer, "forward", forward)


def elements(weight: Tensor) -> int:
    """The number of elements that a weight represents; in 4 bits, two of them share a byte."""
    state = getattr(weight, "quant_state", None)
    return weight.numel() if state is None else math.prod(state.shape)


def adamw_8bit(groups: Sequence[Mapping[str, object]], learning_rate: float) -> torch.optim.Optimizer:
    """AdamW with 8-bit moments, one scale for each 256 (Dettmers et al. 2022, arXiv:2110.02861, section 2).

    Weights with fewer than 4096 elements keep 32-bit moments.
    """
    from bitsandbytes.optim import AdamW8bit

    optimizer: torch.optim.Optimizer = AdamW8bit(groups, lr=learning_rate)
    return optimizer


def _outside_blocks(auto_class: Any, config: PretrainedConfig) -> Iterator[str]:
    """The names of the linear layers outside the transformer blocks, found in a model without weights."""
    with torch.device("meta"):
        skeleton = auto_class.from_config(copy.deepcopy(config), trust_remote_code=False)
    inside = set(architecture.linear_modules(skeleton))
    for name, module in skeleton.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and name not in inside:
            yield name


def _scales(weight: Any) -> Any:
    """The scales of a quantised weight, or None if it was never quantised."""
    return getattr(weight, "quant_state", None) or getattr(weight, "SCB", None)


def _check_reading(name: str, layer: Any) -> None:
    """Raise RecipeError if the 4-bit weight of a layer is misread on this machine.

    Blocks run over the whole weight, row after row. If they end within rows, bitsandbytes 0.50.2 uses the scales of
    other blocks on a CPU with AVX-512 if a row's length is a multiple of 16: errors of 20 to 50 % instead of 9 %. Read
    as a single row, the same weight is correct.
    """
    state = getattr(layer.weight, "quant_state", None)
    if state is None or layer.in_features % state.blocksize == 0:
        return
    from bitsandbytes.functional import dequantize_4bit

    one_row = copy.copy(state)
    one_row.shape = torch.Size((1, math.prod(state.shape)))
    if not torch.equal(
        dequantize_4bit(layer.weight, state).flatten(), dequantize_4bit(layer.weight, one_row).flatten()
    ):
        raise RecipeError(
            f"model.quantize: {name} has {layer.in_features} input features, not a multiple of {state.blocksize}; on "
            f"this processor bitsandbytes {version('bitsandbytes')} misreads such 4-bit weights; use int8, or a GPU"
        )


def _forward_4bit(layer: Any, x: Tensor) -> Tensor:
    """x (..., in) -> (..., out), computed in the dtype in which `nn.Linear` would compute."""
    from bitsandbytes import matmul_4bit

    return _add(matmul_4bit(x.to(_dtype(x)), layer.weight, quant_state=layer.weight.quant_state), layer.bias)


def _forward_8bit(layer: Any, x: Tensor) -> Tensor:
    """x (..., in) -> (..., out), computed in the dtype in which `nn.Linear` would compute."""
    from bitsandbytes import matmul

    if layer.weight.SCB is not None:
        layer.init_8bit_state()
    layer.state.is_training = True  # on a CPU: round only the weights
    return _add(matmul(x.to(_dtype(x)), layer.weight, state=layer.state), layer.bias)


def _dtype(x: Tensor) -> Any:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def _add(y: Tensor, bias: Tensor | None) -> Tensor:
    # Outside bitsandbytes' product, whose bias gradient has a wrong shape for batches of sequences.
    return y if bias is None else y + bias.to(y.dtype)
