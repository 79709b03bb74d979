"""The base class of heads: how text becomes tensors, and what is learned and predicted from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypedDict

from pefbench.errors import RecipeError
from pefbench.heads._apart import apart
from pefbench.heads._global_attention import global_attention
from pefbench.heads.encoded import ROWS, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.answers import Answers
    from pefbench.heads.encoded import Encoded


class HeadConfig(TypedDict, total=False):
    """A head's entries in the config of transformers' model."""

    num_labels: int
    id2label: dict[int, str]
    label2id: dict[str, int]
    problem_type: str


class Head(ABC):
    """One head, for one set of labels and one kind of model."""

    auto_class: str
    """The name of the transformers class that puts the head on the backbone."""
    task_type: str
    """The head's name in PEFT."""
    reads_words: bool = False
    """Texts are given as words: the tokenizer must read each word as if a space preceded it."""
    needs_alignment: bool = True
    """Tokens are mapped back to words or characters."""
    generates: bool = False
    """An answer is generated token by token, which takes much longer than a loss."""
    packs: bool = False
    """Several examples fit into one row: each has a single row, and its loss is of tokens that see only earlier ones.
    """
    labels: Sequence[str] = ()
    """The labels that answers are chosen from, for human readers; empty if answers are not labels."""
    sample: Any = "A text."
    """An input of `pefbench.load(trial).predict`, as a model card shows it; JSON-able."""
    answers: Answers
    """The right answers, and how answers compare."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Label -> the probability from which it is assigned, if it was chosen on validation; otherwise empty."""
        return {}

    def adjusted(self, answers: Sequence[Any], examples: Sequence[Any]) -> Head:  # noqa: ARG002 - some heads do
        """The same head with what is chosen after training, based on `predict`'s answers to the validation split."""
        return self

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Head:  # noqa: ARG002 - some heads do
        """The same head with the thresholds of an earlier `adjusted`. Raises DataError if they are for other labels."""
        return self

    @property
    def longest_answer(self) -> int:
        """The maximum number of tokens of a generated answer; 0 if answers are not generated."""
        return 0

    def brief(self) -> Head:
        """The same head, limited to the first tokens of an answer, to estimate what the rest will need."""
        return self

    def plain(self) -> Head:
        """The same head, using the library's own generation steps instead of the faster ones."""
        return self

    def pooled(self) -> Head:
        """The same head, reading the mean of all tokens' states. Raises RecipeError if that makes no sense."""
        raise RecipeError("model.pooling: applies to tasks on whole texts only; leave it out here")

    def balanced(self, examples: Sequence[Any]) -> Head:  # noqa: ARG002 - where there are classes
        """The same head, each class having equal weight in the loss on `examples`. Raises RecipeError without any."""
        raise RecipeError("train.class_weights: applies to classification of whole texts only; leave it out here")

    @abstractmethod
    def config(self) -> HeadConfig:
        """The head's entries in the model's config: id2label, num_labels, ..."""

    @abstractmethod
    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any], max_length: int) -> Encoded:
        """Tokenise examples; texts beyond `max_length` tokens are truncated, never dropped."""

    def refusals(
        self,
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002 - where there are templates
        examples: Sequence[Any],  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Iterable[tuple[int, str]]:
        """The numbers of the examples that this model cannot take, each with the reason, its file and line.

        max_length: as for `encode`, for examples that are only refused once they are truncated.
        """
        return ()

    @abstractmethod
    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The model's loss on a batch from `collate`, summed over its targets: a scalar in fp32."""

    def prediction_lengths(self, encoded: Encoded) -> np.ndarray[Any, Any]:
        """The length of each example for `predict`, (examples,): examples of similar lengths share a batch."""
        return encoded.lengths

    @abstractmethod
    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[Any]:
        """One JSON-able answer per example, even if its text was truncated."""

    def scored(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[tuple[Any, Any]]:
        """For each example, the answer of `predict` and its scores, whose meaning depends on the head.

        The scores are None if the answer contains its own scores, or has none.
        """
        return [(answer, None) for answer in self.predict(model, batch, decoding)]

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """Each token's role in the loss, for human readers: its label, "answer", ...; "" for none."""
        return [""] * len(encoded.features["input_ids"][row])

    def remarks(self, encoded: Mapping[str, Encoded]) -> list[str]:  # noqa: ARG002 - for heads that have some
        """Notes on the tokenised splits; `Odd` ones are warnings. Raises RecipeError for what cannot work."""
        return []


def forward(model: nn.Module, batch: Mapping[str, Tensor], **options: Any) -> Any:
    """The model's output for a batch, without the targets, which the head keeps. options: passed to the model."""
    given = {name: tensor for name, tensor in batch.items() if name not in (TARGETS, ROWS)}
    return model(**apart(model, given), **global_attention(model, given), **options)
