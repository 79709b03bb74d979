"""A model that returns given logits for any input."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import nn


def answering(logits: Any = None, **fields: Any) -> nn.Module:
    """Return a stand-in for a model whose output has these logits and fields."""
    return cast("nn.Module", lambda **_: SimpleNamespace(logits=logits, **fields))
