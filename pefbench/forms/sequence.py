"""The sequence form: one label for a text or for a pair of texts, as in topic classification or inference.

Every text is shown to the model, an empty one too. The head is the architecture's own: encoders read the first
piece's state (or a mean), decoders the last piece's, encoder-decoders that of the end token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import SourceError
from pefbench.forms import TARGETS, Encoded, Form, forward
from pefbench.forms._pairs import SEGMENTS, end_token, tells_segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.forms._pairs import Array

    Answer = str | dict[str, Any]

DECIMALS = 9
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class SequenceExample:
    """A text, or a text and its pair, and the label."""

    text: str
    label: str
    pair: str | None = None


@dataclass(frozen=True)
class SequenceDataset:
    """Labelled texts by split, and the labels that the training split has.

    outside: the label of texts that have none of the others, where there is one; see `SequenceForm`.
    """

    splits: Mapping[str, Sequence[SequenceExample]]
    labels: list[str]
    notes: Sequence[str] = field(default_factory=list)
    outside: str | None = None

    def form(self, model: PretrainedConfig) -> SequenceForm:
        """Return the sequence form over these labels, with what this model needs of its input."""
        return SequenceForm(
            self.labels,
            segments=tells_segments(model),
            reads_end=bool(model.is_encoder_decoder),
            outside=self.outside,
        )


class SequenceForm(Form):
    """Classification of whole texts.

    segments: the model tells the two texts of a pair apart by `token_type_ids`. reads_end: its head reads the state of
    the end token (BART, T5), so each row needs one, and no more in one row than in another. outside: a label whose
    probability stands beside each answer.
    """

    auto_class = "AutoModelForSequenceClassification"
    task_type = "SEQ_CLS"

    def __init__(
        self, labels: Sequence[str], *, segments: bool = False, reads_end: bool = False, outside: str | None = None
    ) -> None:
        self.labels = list(labels)
        self.segments, self.reads_end, self.outside = segments, reads_end, outside

    def config(self) -> dict[str, Any]:
        """Name the labels in the model's config."""
        return {"id2label": dict(enumerate(self.labels)), "label2id": {label: i for i, label in enumerate(self.labels)}}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any], max_length: int) -> Encoded:
        """Tokenise texts or pairs; of a pair the longer text is cut first. Raises SourceError, see `reads_end`."""
        paired = any(example.pair is not None for example in examples)
        batch = tokenizer(
            [example.text for example in examples],
            _pairs(tokenizer, examples) if paired else None,
            truncation="longest_first",
            max_length=max_length,
            padding=False,
            split_special_tokens=True,  # those that a text spells out are text
        )
        end = end_token(tokenizer)
        rows = [_pieces(encoding, end) for encoding in batch.encodings]
        if self.reads_end and (end == tokenizer.pad_token_id or any(ids[-1] != end for ids, _ in rows)):
            raise SourceError("the model's head reads the end token; its tokenizer adds none, or pads with it")
        features = {"input_ids": [ids for ids, _ in rows]}
        padding = {"input_ids": tokenizer.pad_token_id}
        if self.segments and paired and SEGMENTS in tokenizer.model_input_names:
            features[SEGMENTS] = [segments for _, segments in rows]
            padding[SEGMENTS] = tokenizer.pad_token_type_id
        return Encoded(
            features=features,
            fixed={TARGETS: self.targets(examples)},
            targets=np.ones(len(examples), dtype=np.int64),
            decoding=[None] * len(examples),
            truncated=sum(bool(encoding.overflowing) for encoding in batch.encodings),
            padding=padding,
        )

    def targets(self, examples: Sequence[Any]) -> Array:
        """Return the number of each text's label, (examples,)."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.asarray([index[example.label] for example in examples], dtype=np.int64)

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy; the model's logits have shape (batch, labels)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(forward(model, batch).logits.float(), batch[TARGETS], reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[Answer]:  # noqa: ARG002 - an answer needs the logits alone
        """Return the likeliest label of each text; with `outside`, also the probability of that label."""
        logits = forward(model, batch).logits.float()
        labels = [self.labels[best] for best in logits.argmax(-1).tolist()]
        if self.outside is None:
            return list(labels)
        chances = logits.softmax(-1)[:, self.labels.index(self.outside)].tolist()
        return [
            {"label": label, "outside": round(chance, DECIMALS)} for label, chance in zip(labels, chances, strict=True)
        ]

    def correct(self, prediction: Answer, reference: str) -> bool:
        """Return whether the label is the right one."""
        return _label(prediction) == reference

    def same(self, before: Answer, after: Answer) -> bool:
        """Return whether labels agree, and probabilities but for rounding, as between two ways to the same numbers."""
        if isinstance(before, str) or isinstance(after, str):
            return before == after
        return _label(before) == _label(after) and abs(before["outside"] - after["outside"]) < ROUNDING

    def references(self, examples: Sequence[SequenceExample]) -> list[str]:
        """Return each text's label."""
        return [example.label for example in examples]


def _label(answer: Answer) -> str:
    return answer if isinstance(answer, str) else str(answer["label"])


def _pairs(tokenizer: PreTrainedTokenizerFast, examples: Sequence[Any]) -> list[str]:
    """Return the second texts, empty where there is none.

    A line break divides them from the first where the tokenizer puts nothing between (GPT-2, Qwen2).
    """
    joined = tokenizer.num_special_tokens_to_add(pair=True) <= tokenizer.num_special_tokens_to_add(pair=False)
    return [("\n" if joined else "") + (example.pair or "") for example in examples]


def _pieces(encoding: Any, end: int) -> Array:
    """Return the ids and the segments of a row's pieces, shape (2, pieces).

    An end token within a text is left out, as heads would take it for the row's end: unigram tokenizers such as T5's
    still read it where it is spelt out. A row without a piece, which no model reads, becomes one end token.
    """
    pieces = np.asarray([encoding.ids, encoding.type_ids], dtype=np.int64)
    added = np.asarray(encoding.special_tokens_mask, dtype=bool)
    pieces = pieces[:, added | (pieces[0] != end)]
    return pieces if pieces.size else np.asarray([[end], [0]], dtype=np.int64)
