"""Routes for a prefix into a stack's self-attentions: keys and values that precede those of the text.

Each architecture has one of three routes, which is found by trying: if a route can record the `KeyValues` that a stack
computes, a prefix can precede them, and they show the prefix's shape.
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
    """One route into one stack."""

    takes_positions: bool
    """Whether the text comes after the prefix, so that its mask and positions move."""

    @classmethod
    def into(cls, stack: nn.Module, *, crosses: bool) -> Self | None:
        """The route into this stack, or None. `crosses`: the stack also attends to another stack's states."""

    def record(self, run: Callable[[], object]) -> KeyValues:
        """The keys and values that the stack computes within `run`; empty if this route shows none."""

    def add(self, given: Arguments, prefix: Callable[[], KeyValues]) -> Arguments:
        """The arguments with which a call of the stack attends to the prefix, which has a batch of 1."""

    def done(self) -> None:
        """Remove the prefix after a call."""

    def leave(self) -> None:
        """Restore the stack."""
