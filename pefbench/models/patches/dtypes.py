"""The dtype that transformers loads each weight in.

What: `PreTrainedModel._get_dtype_plan`, which names the weights that are loaded in another dtype than the model's. Why:
a large frozen base fits in memory in half precision and not in fp32, while its norms and embeddings are to stay in
fp32; transformers offers one dtype for all weights, and a list by class of those that stay in fp32. Since: transformers
5.0, which asks the model that is built for its plan before any weight is read. Undone at the end of the block.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from torch import nn


@contextmanager
def planned(dtype: torch.dtype, names: Callable[[nn.Module], list[str]]) -> Iterator[None]:
    """Load weights in this dtype, whatever the model's own is. names: theirs, in a model that has no numbers yet."""
    kind: Any = PreTrainedModel
    stock = kind._get_dtype_plan

    def plan(model: Any, own: torch.dtype) -> dict[str, torch.dtype]:
        # transformers searches for these as regular expressions; theirs, of norms say, are asked first
        return {**stock(model, own), **{f"^{re.escape(name)}$": dtype for name in names(model)}}

    kind._get_dtype_plan = plan
    try:
        yield
    finally:
        kind._get_dtype_plan = stock
