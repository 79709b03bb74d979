"""Makes adapted linear layers return the same dtype under autocast as a linear layer.

Many of PEFT's layers return the dtype of their input, which is fp32 after a layer norm. DeBERTa-v2 then mixes the two
in its attention, and fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers.pytorch_utils import Conv1D

if TYPE_CHECKING:
    from torch import Tensor, nn


def settle(model: nn.Module) -> None:
    """Make the adapted linear layers of a PEFT model return autocast's dtype; a second call changes nothing."""
    for module in model.modules():
        if isinstance(module, BaseTunerLayer) and isinstance(module.get_base_layer(), torch.nn.Linear | Conv1D):
            layer: Any = module
            layer.register_forward_hook(_cast)


def _cast(_layer: nn.Module, _args: Any, output: Tensor) -> Tensor:
    kind = output.device.type
    return output.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else output
