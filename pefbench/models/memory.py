"""Sums up the size of new tensors before they are allocated, so that a mistyped size is refused."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from pefbench import hardware
from pefbench.errors import MethodError
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pefbench.errors import UserError

STATES = 4
"""The number of copies of a weight in training: the weight, its gradient and two moments."""
CONSTRUCTORS = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.eye, torch.rand, torch.randn, torch.randint}
)
"""The torch functions that allocate by size, with which PEFT makes new weights."""


@contextmanager
def limit(what: str, most: int, kind: type[UserError] = MethodError) -> Iterator[None]:
    """Raise a `kind` inside the block before the tensors that torch's constructors make exceed `most` bytes.

    Tensors that are freed again count as well. what: the subject of the message.
    """
    with _Counted(what, most, kind):
        yield


def for_training() -> int:
    """The bytes that new weights may take on this machine, considering what training keeps besides them."""
    return hardware.available_main_memory() // STATES


class _Counted(TorchFunctionMode):
    """Intercepts each call of a constructor before it allocates."""

    def __init__(self, what: str, most: int, kind: type[UserError]) -> None:
        super().__init__()
        self.what, self.most, self.kind, self.sum = what, most, kind, 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Count the bytes of a new tensor, then make it."""
        kwargs = kwargs or {}
        if func in CONSTRUCTORS:
            self.sum += _bytes(func, args, kwargs)
            if self.sum > self.most:
                raise self.kind(
                    f"{self.what} needs more than {readable(self.sum, 'B')} of memory, but may use only "
                    f"{readable(self.most, 'B')}; reduce its sizes"
                )
        return func(*args, **kwargs)


def _bytes(func: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> int:
    """The bytes that a constructor would allocate, determined on the meta device, which allocates nothing."""
    if str(options.get("device")) == "meta" or options.get("out") is not None:
        return 0
    apart = {key: value for key, value in options.items() if key not in {"device", "generator", "pin_memory"}}
    made: torch.Tensor = func(*args, **apart, device="meta")
    return made.numel() * made.element_size()
