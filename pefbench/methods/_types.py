"""Types for what methods pass to torch and to checkpoints."""

from __future__ import annotations

from typing import Any

ParameterGroup = dict[str, Any]  # as in torch: `params`, and arguments of any optimizer by name
MethodState = dict[str, Any]  # defined by each method: tensors and plain values that torch.save takes
