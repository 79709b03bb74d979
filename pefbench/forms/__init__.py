"""How text becomes tensors and tensors become answers: the five shapes that all tasks take.

A form owns tokenising, the head, the loss and decoding. It knows nothing of tasks, methods or training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast


class Dataset(Protocol):
    """A task's examples by split, and the form that learns them."""

    @property
    def splits(self) -> Mapping[str, Sequence[Any]]:
        """Examples by split: train, validation, test."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of the result should know of how the data was read."""

    def form(self) -> Form:
        """Return the form, with its labels if it has any."""


@dataclass(slots=True)
class Encoded:
    """A tokenised split; lists and arrays run over its examples.

    features: model inputs and labels, name -> one integer array an example, all of that example's length.
    lengths: word pieces an example. targets: positions an example that the loss counts.
    decoding: what the form needs to turn logits into answers, one item an example.
    """

    features: dict[str, list[np.ndarray[Any, Any]]]
    lengths: np.ndarray[Any, Any]
    targets: np.ndarray[Any, Any]
    decoding: list[Any]
    truncated: int = 0
    padding: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.decoding)


class Form(Protocol):
    """One form, for one set of labels."""

    auto_class: str
    """The name of the transformers class that puts the head on the backbone."""
    task_type: str
    """The form's name in PEFT."""

    def config(self) -> dict[str, Any]:
        """Return what the model's config must say of the head: id2label, num_labels, ..."""

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any], max_length: int) -> Encoded:
        """Tokenise examples; texts beyond `max_length` word pieces are cut, never dropped."""

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the loss summed over the batch's targets, a scalar in fp32."""

    def predict(self, logits: Tensor, decoding: Sequence[Any]) -> list[Any]:
        """Return one JSON-able answer an example, whatever was cut from its text."""

    def references(self, examples: Sequence[Any]) -> list[Any]:
        """Return the right answer an example, of the same type as `predict`'s."""
