"""How text becomes tensors and tensors become answers: the shapes that all tasks take.

A head owns tokenising, the modules on top of the backbone, the loss and decoding. It knows nothing of tasks,
methods or training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast


TARGETS = "labels"
"""The name of what a batch holds for the loss alone; the model is never given it."""
ROWS = "rows"
"""The name of a batch's number of rows an example, shape (examples,); there when examples have several."""


class Dataset(Protocol):
    """A task's examples by split, and the head that learns them."""

    @property
    def splits(self) -> Mapping[str, Sequence[Any]]:
        """Examples by split: train, validation, test."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of the result should know of how the data was read."""

    def head(self, model: PretrainedConfig) -> Head:
        """Return the head, with its labels if it has any, for a model of this config."""


@dataclass(slots=True)
class Encoded:
    """A tokenised split.

    An example is one row of tokens, or several (the candidates of a choice, the windows of a long text); the rows
    of all examples follow each other. A batch has whole examples.

    features: what is padded, name -> one integer array a row; `input_ids` among them.
    targets: for each example, how many terms its loss has.
    decoding: what the head needs to turn the model's output into an answer, one item an example.
    rows: for each example, how many rows it has; None: one each.
    fixed: what is not padded, name -> an array whose first dimension runs over the rows.
    truncated: how many examples lost text that lies beyond the maximum length.
    padding: name of a feature -> what it is padded with.
    """

    features: dict[str, list[np.ndarray[Any, Any]]]
    targets: np.ndarray[Any, Any]
    decoding: list[Any]
    rows: np.ndarray[Any, Any] | None = None
    fixed: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    truncated: int = 0
    padding: dict[str, int] = field(default_factory=dict)
    first_rows: np.ndarray[Any, Any] = field(init=False)
    """For each example, its first row; shape (examples + 1,), the last being the number of rows."""
    lengths: np.ndarray[Any, Any] = field(init=False)
    """For each example, the tokens of its longest row."""
    tokens: np.ndarray[Any, Any] = field(init=False)
    """For each example, the tokens of its rows together."""

    def __post_init__(self) -> None:
        """Count rows and tokens."""
        rows = np.ones(len(self), dtype=np.int64) if self.rows is None else self.rows
        self.first_rows = np.concatenate([[0], np.cumsum(rows)])
        pieces = np.asarray([len(ids) for ids in self.features["input_ids"]], dtype=np.int64)
        self.lengths = np.maximum.reduceat(pieces, self.first_rows[:-1]) if len(self) else pieces
        self.tokens = np.add.reduceat(pieces, self.first_rows[:-1]) if len(self) else pieces

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.decoding)

    def rows_of(self, examples: Iterable[int]) -> list[int]:
        """Return the rows of these examples, in order."""
        return [row for i in examples for row in range(int(self.first_rows[i]), int(self.first_rows[i + 1]))]


class Head(Protocol):
    """One head, for one set of labels and one kind of model."""

    auto_class: str
    """The name of the transformers class that puts the head on the backbone."""
    task_type: str
    """The head's name in PEFT."""
    reads_words: bool = False
    """Texts come as words, one by one: a tokenizer is to read each as if a space stood before it."""
    decoding_signature: str = ""
    """Settings of `predict` that every score depends on, as in the signature of a metric; "" where it has none."""
    judge_signature: str = ""
    """The same of `judged`."""
    mismatch_tolerance: float = 0.0
    """Share of answers that may differ between two processes on a GPU, by rounding alone: see `GenerationForm`."""
    answer_fields: frozenset[str] = frozenset()
    """What answers of `predict` may or may not have and a metric may need, by name."""

    def pooled(self) -> Head:
        """Return this head, reading the mean of all pieces' states. Raises RecipeError where that makes no sense."""
        raise RecipeError("model.pooling: only what is asked of whole texts can be read from a mean; leave it out here")

    def balanced(self, examples: Sequence[Any]) -> Head:  # noqa: ARG002 - where there are classes
        """Return this head, its classes weighing alike in the loss on `examples`. Raises RecipeError without any."""
        raise RecipeError("train.class_weights: only classes of whole texts can be weighted; leave it out here")

    def config(self) -> dict[str, Any]:
        """Return what the model's config must say of the head: id2label, num_labels, ..."""

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any], max_length: int) -> Encoded:
        """Tokenise examples; texts beyond `max_length` tokens are cut, never dropped."""

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the model's loss on a batch of `collate`, summed over its targets: a scalar in fp32."""

    def prediction_lengths(self, encoded: Encoded) -> np.ndarray[Any, Any]:
        """Return how long each example is for `predict`, (examples,): those of alike lengths share a batch."""
        return encoded.lengths

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[Any]:
        """Return one JSON-able answer an example, whatever was cut from its text."""

    def judged(self, answers: Sequence[Any], examples: Sequence[Any]) -> list[Any]:  # noqa: ARG002 - where texts are judged
        """Return a split's answers, of a model or a baseline, with what others say of them, as they are scored."""
        return list(answers)

    def prompt(self, example: Any) -> str:
        """Return what an example asks, as people read it: a text and its pair, where the head has no other parts."""
        pair = getattr(example, "pair", None)
        return example.text if pair is None else f"{example.text} | {pair}"

    def references(self, examples: Sequence[Any]) -> list[Any]:
        """Return the right answer an example: JSON-able, and what `correct` and the task's metrics compare with."""

    def correct(self, prediction: Any, reference: Any) -> bool:
        """Return whether one answer of `predict` is right, to the letter."""
        return bool(prediction == reference)

    def shown(self, example: Any) -> str | None:  # noqa: ARG002 - for heads whose answers are worth reading
        """Return what an example asks, as a reader of the result should see it, or None to show no examples."""
        return None

    def same(self, before: Any, after: Any) -> bool:
        """Return whether two answers of `predict` to one example agree, as those before and after loading must."""
        return bool(before == after)

    def check(self, encoded: Mapping[str, Encoded]) -> list[str]:  # noqa: ARG002 - for heads that have doubts
        """Return what is doubtful about the tokenised splits. Raises RecipeError for what cannot come out right."""
        return []


def forward(model: nn.Module, batch: Mapping[str, Tensor], **options: Any) -> Any:
    """Return the model's output on a batch; the targets stay with the head. `options` are the model's own."""
    return model(**{name: tensor for name, tensor in batch.items() if name not in (TARGETS, ROWS)}, **options)
