"""The marked head: one label for a text in which two spans are marked, as in relation extraction.

Marks are written into the text, and the label is predicted from the states at the marks (Baldini Soares et al. 2019,
arXiv:1906.03158, section 3.2, entity start). The marks are those of R-BERT (Wu and He 2019, arXiv:1905.08284): ``$``
around the first and ``#`` around the second span. Every vocabulary has them, so no embedding is new and untrained.

A linear layer on concatenated states is a sum of linear layers on each state. The head is therefore the architecture's
own token head, with one output for each label at each mark, and a label's score is the sum of its outputs at the marks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import RecipeError
from pefbench.heads import IGNORED, TARGETS, Encoded, Head, forward
from pefbench.heads._labels import LabelAnswers
from pefbench.heads._language import is_decoder
from pefbench.heads._pairs import added, tokens
from pefbench.heads.dataset import Fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import HeadConfig
    from pefbench.heads._pairs import Array, Tokens
    from pefbench.heads.examples import MarkedExample

MARKS = ("$", "#")
"""The marks around the first and the second span."""
READ = {False: ("first", "second"), True: ("first", "second", "end")}
"""Where states are read, by whether the model reads only from left to right."""


@dataclass(frozen=True)
class MarkedDataset(Fixed):
    """Marked texts by split, and the labels that the training split has."""

    splits: Mapping[str, Sequence[MarkedExample]]
    labels: list[str]
    notes: Sequence[str] = field(default_factory=list)

    def head(self, model: PretrainedConfig) -> MarkedHead:
        """The marked head over these labels for this kind of model."""
        return MarkedHead(self.labels, causal=is_decoder(model))


DATASET = MarkedDataset


class MarkedHead(Head):
    """Classification by the states at marks.

    causal: a state does not contain what comes after it. The head then reads the closing marks and the text's last
    token; otherwise it reads the opening marks.
    """

    auto_class = "AutoModelForTokenClassification"
    task_type = "TOKEN_CLS"
    answers = LabelAnswers()

    def __init__(self, labels: Sequence[str], *, causal: bool = False) -> None:
        self.labels, self.causal = list(labels), causal
        self.read = READ[causal]

    def config(self) -> HeadConfig:
        """One output for each label at each place that is read."""
        names = [f"{place}:{label}" for place in self.read for label in self.labels]
        return {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[MarkedExample], max_length: int) -> Encoded:
        """Write the marks and tokenise; if a text is too long, the tokens nearest to a mark are kept.

        Raises RecipeError if the length leaves no room for the marks.
        """
        before, after = added(tokenizer)
        room = max_length - len(before) - len(after)
        if room < 2 * len(MARKS):
            needed = max_length - room + 2 * len(MARKS)
            raise RecipeError(f"train.max_length: {max_length} leaves no room for two marked texts; at least {needed}")
        written = [mark(example) for example in examples]
        rows, places, cut = [], [], []
        for text, (_, marks) in zip(tokens(tokenizer, [text for text, _ in written]), written, strict=True):
            at = np.asarray([_token_at(text, character) for character in marks])
            kept = _nearest(len(text.ids), at, room)
            cut.append(len(kept) < len(text.ids))
            rows.append(np.concatenate([before, text.ids[kept], after]))
            places.append(self._places(len(before) + np.searchsorted(kept, at), len(rows[-1])))
        index = {label: i for i, label in enumerate(self.labels)}
        targets = [[index.get(example.label, IGNORED), *place] for example, place in zip(examples, places, strict=True)]
        return Encoded(
            features={"input_ids": rows},
            fixed={TARGETS: np.asarray(targets, dtype=np.int64).reshape(-1, 1 + len(self.read))},
            targets=np.ones(len(examples), dtype=np.int64),
            decoding=[None] * len(examples),
            cut=cut,
            padding={"input_ids": tokenizer.pad_token_id},
        )

    def _places(self, at: Array, length: int) -> list[int]:
        """The columns to read in a row with marks in these columns: opening, closing; opening, closing."""
        return [*at[1::2].tolist(), length - 1] if self.causal else at[::2].tolist()

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """The tokens whose states the label is read from."""
        marks = super().marks(encoded, row)
        for place in encoded.fixed[TARGETS][row, 1:].tolist():
            marks[place] = "read"
        return marks

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over labels."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(self._scores(model, batch), batch[TARGETS][:, 0], ignore_index=IGNORED, reduction="sum")

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Any]) -> list[str]:  # noqa: ARG002 - an answer needs the scores alone
        """The likeliest label of each text."""
        return self._best(self._scores(model, batch))

    def scored(
        self,
        model: nn.Module,
        batch: Mapping[str, Tensor],
        decoding: Sequence[Any],  # noqa: ARG002 - an answer needs the scores alone
    ) -> list[tuple[str, list[float]]]:
        """The answers, each with the probabilities of all labels, in their order."""
        scores = self._scores(model, batch)
        return list(zip(self._best(scores), scores.double().softmax(-1).tolist(), strict=True))

    def _best(self, scores: Tensor) -> list[str]:
        return [self.labels[best] for best in scores.argmax(-1).tolist()]

    def _scores(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The score of each label, (rows, labels), in fp32, from logits of shape (rows, length, outputs)."""
        places = batch[TARGETS][:, 1:]
        logits = forward(model, batch).logits.float()
        at = logits.gather(1, places[:, :, None].expand(-1, -1, logits.shape[-1]))
        each = at.unflatten(-1, (len(self.read), len(self.labels)))
        scores: Tensor = each.diagonal(dim1=1, dim2=2).sum(-1)
        return scores


def mark(example: MarkedExample) -> tuple[str, tuple[int, int, int, int]]:
    """A text with its marks, and the marks' characters: around the first span, then around the second."""
    spans = sorted(zip((example.first, example.second), MARKS, (0, 1), strict=True))
    text, at, done = "", {}, 0
    for (start, end), sign, which in spans:
        text += f"{example.text[done:start]}{sign} "
        opening = len(text) - 2
        text += f"{example.text[start:end]} {sign}"
        at[which] = (opening, len(text) - 1)
        done = end
    return text + example.text[done:], (*at[0], *at[1])


def _token_at(text: Tokens, character: int) -> int:
    """The token that contains a character; if there is none, the next token."""
    return min(int(np.searchsorted(text.offsets[:, 1], character, side="right")), len(text.ids) - 1)


def _nearest(length: int, at: Array, room: int) -> Array:
    """The tokens of a text to keep, in order: those nearest to a mark, the earlier one if equally near."""
    distance = np.abs(np.arange(length)[:, None] - at).min(axis=1)
    return np.sort(np.argsort(distance, kind="stable")[:room])
