"""torch.nn.functional's linear and dropout, which all modules and functions look up when they are called.

What: the two names of the module `torch.nn.functional`. Why: on CPUs both are slow in training, see
`models.cpu_kernels`. Since: torch 2.6, whose `nn.Linear` and `nn.Dropout` still call them by these names. Undone at the
end of the block.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

stock_dropout = functional.dropout
stock_linear = functional.linear


@contextmanager
def replaced(*, linear: Callable[..., Tensor], dropout: Callable[..., Any]) -> Iterator[None]:
    """Make every module and function inside the block use these."""
    functional.linear, functional.dropout = linear, dropout
    try:
        yield
    finally:
        functional.linear, functional.dropout = stock_linear, stock_dropout
