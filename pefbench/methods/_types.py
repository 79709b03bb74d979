"""Names for what methods hand to torch and to checkpoints."""

from __future__ import annotations

from typing import Any

ParameterGroup = dict[str, Any]  # torch's own: `params`, and arguments of any optimizer by name
MethodState = dict[str, Any]  # of each method's own making: tensors and plain values, as torch.save takes them
