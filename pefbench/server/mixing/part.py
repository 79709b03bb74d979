"""A part: what one adapter does at one module of the base, to its own rows of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from torch import Tensor

KeyValues = list[tuple["Tensor", "Tensor"]]
"""For each attention, in call order: keys and values (1, heads, virtual tokens, size)."""


class Unmixed(Exception):  # noqa: N818 - no error: such an adapter shares no batches
    """This adapter cannot share a batch with others; the message says why."""


class Part:
    """What an adapter does at one module: to the input, or in place to the output. It gets only its own rows.

    source: another module whose input `leave` needs. group: consecutive parts of the same group at a module are merged
    into one by `together`; None: never merged.
    """

    enters: ClassVar[bool] = False
    leaves: ClassVar[bool] = True
    source: str | None = None
    group: Hashable = None

    def together(self, members: Sequence[tuple[int, Any]]) -> Part:
        """Merge these parts, each given with its number of rows, in order; self is one of them."""
        raise NotImplementedError

    def enter(self, x: Tensor) -> Tensor:
        """The module's input (rows, length, size), changed."""
        raise NotImplementedError

    def leave(self, x: Tensor, y: Tensor, source: Tensor | None) -> None:
        """Change the module's output y (rows, length, size) in place. x: its input. source: the source's input."""
        raise NotImplementedError

    def tensors(self) -> Iterable[Tensor]:
        """The tensors that it holds in memory."""
        return [value for value in vars(self).values() if isinstance(value, torch.Tensor)]


Parts = dict[str, Part]
"""Parts by the names of the backbone's modules."""


@dataclass
class Adapter:
    """An adapter in memory.

    parts: by the names of the backbone's modules. prefix: goes before the keys and values of each attention. head: its
    head's weights, by their names in the whole model.
    """

    parts: Parts
    head: dict[str, Tensor]
    prefix: KeyValues = field(default_factory=list)

    @property
    def prefix_length(self) -> int:
        """The number of virtual tokens before the text."""
        return self.prefix[0][0].shape[2] if self.prefix else 0

    def bytes(self) -> int:
        """The memory of its tensors; shared tensors are counted once."""
        held = [*self.head.values(), *(tensor for pair in self.prefix for tensor in pair)]
        held += [tensor for part in self.parts.values() for tensor in part.tensors()]
        return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in held}.values())


@dataclass(frozen=True)
class Place:
    """What the files of this folder need to know about the base.

    modules: the backbone's modules whose input and output have the batch as first dimension, by name. dtype: the dtype
    of matrix products. prefix: makes a prefix from the saved tensor (virtual tokens, numbers); it may raise Unmixed.
    """

    modules: Mapping[str, nn.Module]
    dtype: torch.dtype
    prefix: Callable[[Tensor], KeyValues]

    def module(self, name: str) -> nn.Module:
        """The module of this name. Raises Unmixed if its rows cannot be told apart."""
        if name not in self.modules:
            raise Unmixed(f"{name} does not see the rows of a batch one by one")
        return self.modules[name]

    def cast(self, weight: Tensor) -> Tensor:
        """A weight in the dtype of matrix products."""
        return weight.to(self.dtype).contiguous()


def by_module(weights: Mapping[str, Tensor], endings: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """Weights by module, then by the ending of their names. Raises Unmixed if a name has none of `endings`."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, weight in weights.items():
        ending = next((each for each in endings if name.endswith(f".{each}")), None)
        if ending is None:
            raise Unmixed(f"{name} is no weight that rows can be given one by one")
        found.setdefault(name.removesuffix(f".{ending}"), {})[ending] = weight
    return found


def flat(x: Tensor) -> Tensor:
    """x (..., size) -> (n, size), a view."""
    return x.view(-1, x.shape[-1])


def unusual(config: Mapping[str, Any], default: Any, known: Iterable[str]) -> list[str]:
    """The options in a configuration that are neither known here nor at PEFT's defaults."""
    usual = {**default.to_dict()}
    return [
        name for name, value in config.items() if name not in known and name in usual and not _same(value, usual[name])
    ]


def _same(value: Any, default: Any) -> bool:
    if isinstance(default, set):
        return set(value or ()) == default
    return bool(value == default) or (not value and not default)
