"""The dtype in which transformers loads each weight.

What: `PreTrainedModel._get_dtype_plan`, which names the weights that are loaded in another dtype than the model's. Why:
a large frozen base fits into memory in half precision but not in fp32, while its norms and embeddings must stay in
fp32; transformers offers one dtype for all weights, and a list by class of those that stay in fp32. Since: transformers
5.0, which asks the built model for its plan before any weight is read. Undone at the end of the block.
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
    """Load some weights in this dtype, whatever the model's own is.

    names: returns their names, given a model without numbers.
    """
    kind: Any = PreTrainedModel
    stock = kind._get_dtype_plan

    def plan(model: Any, own: torch.dtype) -> dict[str, torch.dtype]:
        # transformers searches for these as regular expressions; its own, such as those of norms, come first
        return {**stock(model, own), **{f"^{re.escape(name)}$": dtype for name in names(model)}}

    kind._get_dtype_plan = plan
    try:
        yield
    finally:
        kind._get_dtype_plan = stock
