"""A task's data set: examples by split, and the head that learns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PretrainedConfig

    from pefbench.heads.head import Head


class Dataset(Protocol):
    """A task's examples by split, and the head that learns them."""

    @property
    def splits(self) -> Mapping[str, Sequence[Any]]:
        """Examples by split: train, validation, test."""

    @property
    def notes(self) -> Sequence[str]:
        """Notes for the result on how the data was read."""

    def head(self, model: PretrainedConfig) -> Head:
        """The head, with its labels if it has any, for a model with this config."""

    def known_from(self, examples: Sequence[Any]) -> Dataset:
        """The data set whose head knows the scores of these training examples only."""

    def settled(self) -> Dataset:
        """The data set with everything its head takes from training examples stored in fields: see module `settled`."""


class Fixed:
    """A data set whose head takes nothing from examples."""

    def known_from(self, examples: Sequence[Any]) -> Self:  # noqa: ARG002 - where there are scores
        """The data set itself."""
        return self

    def settled(self) -> Self:
        """The data set itself."""
        return self
