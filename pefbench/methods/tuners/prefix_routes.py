"""Ways for a prefix into the self-attentions of a stack: keys and values that stand before those of the text.

Each architecture has one of three ways in. What the way is, is found by trying: `KeyValues` that a stack is seen to
compute are those that a prefix can stand before, and tell the prefix's shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from torch import Tensor, nn

    from pefbench.methods.tuners.virtual_tokens import Arguments

KeyValues = list[tuple["Tensor", "Tensor"]]
"""For each layer its keys and its values, both of shape (batch, heads, length, size of a head)."""


class Route(Protocol):
    """One way into one stack."""

    takes_positions: bool
    """Whether the text stands behind the prefix, its mask and positions moved."""

    @classmethod
    def into(cls, stack: nn.Module, *, crosses: bool) -> Self | None:
        """The way into this stack, or None. `crosses`: the stack also attends to another one's states."""

    def record(self, run: Callable[[], object]) -> KeyValues:
        """The keys and values that the stack computes within `run`, empty when this way shows none."""

    def add(self, given: Arguments, prefix: Callable[[], KeyValues]) -> Arguments:
        """The arguments of a call of the stack that lets it attend to the prefix, which has a batch of 1."""

    def done(self) -> None:
        """Forget the prefix of a call that is over."""

    def leave(self) -> None:
        """Leave the stack as it was."""
