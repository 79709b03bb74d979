"""The token head: one label per word, as in named entity recognition.

Only a word's first token carries its label and its prediction. Padding, special tokens and continuation tokens are
ignored. Words that the model never sees (beyond the maximum length, or without a token) are predicted as outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pefbench.errors import SourceError, counted
from pefbench.heads import IGNORED, TARGETS, Answers, Encoded, Head, forward
from pefbench.heads._word_windows import word_windows
from pefbench.heads.dataset import Fixed
from pefbench.remarks import Odd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import HeadConfig
    from pefbench.heads.examples import TokenExample

OUTSIDE = "O"
UNSEEN = -1
PROBE = ("the", "good", "film")
"""Words that show whether a tokenizer joins words."""


@dataclass(frozen=True)
class TokenDataset(Fixed):
    """Tagged sentences by split, and the labels that the training split has."""

    splits: Mapping[str, Sequence[TokenExample]]
    labels: list[str]
    notes: Sequence[str] = field(default_factory=list)

    def head(self, model: PretrainedConfig) -> TokenHead:  # noqa: ARG002 - the same for every model
        """The token head over these labels."""
        return TokenHead(self.labels)


DATASET = TokenDataset


class TagAnswers(Answers):
    """A tag for each word."""

    def prompt(self, example: TokenExample) -> str:
        """The words."""
        return " ".join(example.tokens)

    def references(self, examples: Sequence[TokenExample]) -> list[list[str]]:
        """Each sentence's tags, for all of its words."""
        return [list(example.tags) for example in examples]


class TokenHead(Head):
    """Word tagging by a linear head on the states of first tokens."""

    auto_class = "AutoModelForTokenClassification"
    task_type = "TOKEN_CLS"
    reads_words = True
    answers = TagAnswers()

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)

    def config(self) -> HeadConfig:
        """Name the labels in the model's config."""
        return {"id2label": dict(enumerate(self.labels)), "label2id": {tag: i for i, tag in enumerate(self.labels)}}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[TokenExample], max_length: int) -> Encoded:
        """Tokenise word by word; each word's first token gets its tag. Special tokens spelled out in words are text."""
        import numpy as np

        index = {tag: i for i, tag in enumerate(self.labels)}
        before = space_before(tokenizer)
        batch = tokenizer(
            [[before + word for word in example.tokens] for example in examples],
            is_split_into_words=True,
            split_special_tokens=True,
            truncation=True,
            max_length=max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        input_ids = [np.asarray(ids, dtype=np.int64) for ids in batch["input_ids"]]
        firsts = [_first_tokens(batch.word_ids(i), len(example.tokens)) for i, example in enumerate(examples)]
        labels = [
            _lay(np.asarray([index.get(tag, IGNORED) for tag in example.tags]), first, len(ids))
            for example, first, ids in zip(examples, firsts, input_ids, strict=True)
        ]
        return Encoded(
            features={"input_ids": input_ids, TARGETS: labels},
            targets=np.asarray([int((row != IGNORED).sum()) for row in labels]),
            decoding=firsts,
            cut=[_cut(first, len(ids), max_length) for first, ids in zip(firsts, input_ids, strict=True)],
            padding={"input_ids": tokenizer.pad_token_id, TARGETS: IGNORED},
            notes=_without_tokens(firsts, input_ids, max_length),
        )

    def remarks(self, encoded: Mapping[str, Encoded]) -> list[str]:
        """The number of words for which the tokenizer has no token, split by split."""
        return [Odd(f"{split}: {note}") for split, each in encoded.items() for note in each.notes]

    def windows(
        self, tokenizer: PreTrainedTokenizerFast, words: Sequence[str], max_length: int
    ) -> list[tuple[int, int]]:
        """Overlapping windows over a sentence's words, [first, end), that `encode` does not cut: see `word_windows`."""
        before = space_before(tokenizer)
        batch = tokenizer(
            [before + word for word in words],
            is_split_into_words=True,
            split_special_tokens=True,
            add_special_tokens=False,
            verbose=False,
        )
        lengths = [0] * len(words)
        for word in batch.word_ids(0):
            lengths[word] += 1
        return word_windows(lengths, max_length - tokenizer.num_special_tokens_to_add())

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """Each word's tag, on its first token."""
        return ["" if label == IGNORED else self.labels[label] for label in encoded.features[TARGETS][row].tolist()]

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over first tokens; the model's logits have shape (batch, length, labels)."""
        from torch.nn.functional import cross_entropy

        logits = forward(model, batch).logits.float()
        return cross_entropy(logits.flatten(0, 1), batch[TARGETS].flatten(), ignore_index=IGNORED, reduction="sum")

    def predict(
        self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[np.ndarray[Any, Any]]
    ) -> list[list[str]]:
        """The most likely tag of each word; OUTSIDE for words that the model never saw."""
        return self._tags(forward(model, batch).logits, decoding)

    def scored(
        self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[np.ndarray[Any, Any]]
    ) -> list[tuple[list[str], list[float]]]:
        """Each sentence's tags, with the probability of each tag; 0 for words that the model never saw."""
        logits = forward(model, batch).logits
        chances = logits.double().softmax(-1).amax(-1).cpu().numpy()
        likely = [
            [0.0 if token == UNSEEN else float(row[token]) for token in first.tolist()]
            for row, first in zip(chances, decoding, strict=True)
        ]
        return list(zip(self._tags(logits, decoding), likely, strict=True))

    def _tags(self, logits: Tensor, decoding: Sequence[np.ndarray[Any, Any]]) -> list[list[str]]:
        best = logits.argmax(-1).cpu().numpy()
        return [
            [OUTSIDE if token == UNSEEN else self.labels[row[token]] for token in first.tolist()]
            for row, first in zip(best, decoding, strict=True)
        ]


def space_before(tokenizer: PreTrainedTokenizerFast) -> str:
    """The text to put before each word so that it is read as in running text: a space if words would be joined.

    Generic byte-level tokenizers ignore `add_prefix_space`. Raises SourceError if a space does not help.
    """
    text = " ".join(PROBE)
    if _joins(tokenizer, [text]) or not _joins(tokenizer, PROBE):
        return ""
    if _joins(tokenizer, [f" {word}" for word in PROBE]):
        raise SourceError("the tokenizer joins the words of a sentence even after a space: 'thegoodfilm'")
    return " "


def _joins(tokenizer: PreTrainedTokenizerFast, words: Sequence[str]) -> bool:
    """Whether the tokenizer reads these words as one."""
    ids = tokenizer(list(words), is_split_into_words=True, add_special_tokens=False)["input_ids"]
    return "".join(PROBE) in str(tokenizer.decode(ids)).casefold()


def _first_tokens(word_ids: Sequence[int | None], words: int) -> np.ndarray[Any, Any]:
    """The position of each word's first token, or UNSEEN; shape (words,)."""
    import numpy as np

    first = np.full(words, UNSEEN, dtype=np.int64)
    for position in range(len(word_ids) - 1, -1, -1):
        word = word_ids[position]
        if word is not None:
            first[word] = position
    return first


def _cut(first: np.ndarray[Any, Any], length: int, max_length: int) -> bool:
    """Whether a row of `length` tokens lost its last words; a row that is not full lost none."""
    return length >= max_length and bool(len(first)) and bool(first[-1] == UNSEEN)


def _without_tokens(
    firsts: Sequence[np.ndarray[Any, Any]], rows: Sequence[np.ndarray[Any, Any]], max_length: int
) -> list[str]:
    """A note on how many words have no token although their row was not truncated before them, as white space."""
    import numpy as np

    number = 0
    for first, row in zip(firsts, rows, strict=True):
        last = np.flatnonzero(first != UNSEEN).max(initial=-1) if _cut(first, len(row), max_length) else len(first)
        number += int((first[: last + 1] == UNSEEN).sum())
    return [f"{counted(number, 'word')} without a token, always predicted as {OUTSIDE}"] if number else []


def _lay(tags: np.ndarray[Any, Any], first: np.ndarray[Any, Any], length: int) -> np.ndarray[Any, Any]:
    """Labels by token, shape (length,): a tag at each seen word's first token, IGNORED elsewhere."""
    import numpy as np

    labels = np.full(length, IGNORED, dtype=np.int64)
    seen = first != UNSEEN
    labels[first[seen]] = tags[seen]
    return labels
