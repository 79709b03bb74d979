"""The span head: the answer to a question is a span of a context, as in extractive question answering.

A context that is too long is read in overlapping windows, each a row of its example. The head scores each token as the
answer's first and as its last token (Devlin et al. 2019, arXiv:1810.04805, section 4.2). If a window does not contain
the answer, both targets are the null position (section 4.3): the [CLS] token of bidirectional models, which comes
first; for tokenizers without one, the row's last token, because only this token sees the whole row in a decoder.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pefbench.heads import IGNORED, TARGETS, Answers, Encoded, Head, forward
from pefbench.heads._pairs import SEGMENTS, end_of, fitting, tells_segments, template, tokens
from pefbench.heads._windows import Layout, with_null

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.heads import HeadConfig
    from pefbench.heads._pairs import Array
    from pefbench.heads._windows import Windows
    from pefbench.heads.examples import SpanExample


@dataclass(frozen=True)
class SpanDataset:
    """Questions by split.

    max_answer_length: the maximum number of tokens of an answer. overlap: see `SpanHead`. no_answers: whether a
    question may have no answer; None: if the training split has such questions.
    """

    splits: Mapping[str, Sequence[SpanExample]]
    notes: Sequence[str] = field(default_factory=list)
    max_answer_length: int = 30
    overlap: int | None = None
    no_answers: bool | None = None

    def known_from(self, examples: Sequence[SpanExample]) -> SpanDataset:  # noqa: ARG002 - where there are scores
        """The data set itself: whether a question may have no answer belongs to the task."""
        return self

    def settled(self) -> SpanDataset:
        """The data set with `no_answers` determined by the training split."""
        return replace(self, no_answers=self._may_have_none())

    def _may_have_none(self) -> bool:
        if self.no_answers is not None:
            return self.no_answers
        return any(not example.answers for example in self.splits["train"])

    def head(self, model: PretrainedConfig) -> SpanHead:
        """The span head; it may leave questions unanswered if the training split does."""
        return SpanHead(
            no_answers=self._may_have_none(),
            max_answer_length=self.max_answer_length,
            overlap=self.overlap,
            segments=tells_segments(model),
        )


DATASET = SpanDataset


class SpanAnswers(Answers):
    """Texts from the context; "" if there is no answer."""

    def prompt(self, example: SpanExample) -> str:
        """The question and the context."""
        return f"{example.question} | {example.context}"

    def references(self, examples: Sequence[SpanExample]) -> list[list[str]]:
        """Each question's right answers; an empty list if the context has none."""
        return [[text for text, _ in example.answers] for example in examples]

    def correct(self, prediction: str, reference: Sequence[str]) -> bool:
        """Whether the answer is exactly one of the right ones, or rightly missing."""
        return prediction in reference if reference else not prediction


class SpanHead(Head):
    """A span of the context, by a linear head on each state.

    no_answers: "" is an answer, given if the null position scores higher than the best span. max_answer_length: the
    maximum number of tokens of an answer. overlap: the number of tokens that consecutive windows share; None: a third
    of the maximum length. segments: the model distinguishes question and context by `token_type_ids`.
    """

    auto_class = "AutoModelForQuestionAnswering"
    task_type = "QUESTION_ANS"
    sample = {"question": "Who went?", "context": "Ada went to Oslo."}  # noqa: RUF012 - never changed
    answers = SpanAnswers()

    def __init__(
        self,
        *,
        no_answers: bool = False,
        max_answer_length: int = 30,
        overlap: int | None = None,
        segments: bool = False,
    ) -> None:
        self.no_answers, self.max_answer_length = no_answers, max_answer_length
        self.overlap, self.segments = overlap, segments

    def config(self) -> HeadConfig:
        """Two outputs per token: scores for the answer's first and last token."""
        return {"num_labels": 2}

    def encode(self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[SpanExample], max_length: int) -> Encoded:
        """Split each context into windows, each after its question. Long questions are truncated; contexts never are.

        Raises RecipeError if the length leaves no room for a question and a window.
        """
        around, null = with_null(template(tokenizer), tokenizer)
        room, overlap = around.room(max_length), max_length // 3 if self.overlap is None else self.overlap
        questions = tokens(tokenizer, [example.question for example in examples])
        contexts = tokens(tokenizer, [example.context for example in examples])
        kept = [
            fitting(len(question.ids), max(1, len(context.ids)), room)
            for question, context in zip(questions, contexts, strict=True)
        ]
        cut = [question.ids[:length] for question, length in zip(questions, kept, strict=True)]
        layouts = [
            Layout(around, null, question, context, room, overlap)
            for question, context in zip(cut, contexts, strict=True)
        ]
        features = {"input_ids": [row for each in layouts for row in each.ids()]}
        padding = {"input_ids": tokenizer.pad_token_id}
        if self.segments:
            features[SEGMENTS] = [row for each in layouts for row in each.segments()]
            padding[SEGMENTS] = tokenizer.pad_token_type_id
        labels = [each.labels(example) for each, example in zip(layouts, examples, strict=True)]
        return Encoded(
            features=features,
            fixed={TARGETS: np.concatenate([np.empty((0, 2), dtype=np.int64), *labels])},
            targets=np.asarray([int((row[:, 0] != IGNORED).sum()) for row in labels], dtype=np.int64),
            decoding=[each.windows(example) for each, example in zip(layouts, examples, strict=True)],
            rows=np.asarray([len(each.starts) for each in layouts], dtype=np.int64),
            cut=[len(question.ids) > length for question, length in zip(questions, kept, strict=True)],
            padding=padding,
        )

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """The answer's tokens; if the window has none, the null position."""
        marks = super().marks(encoded, row)
        first, last = encoded.fixed[TARGETS][row].tolist()
        if first != IGNORED:
            example = int(np.searchsorted(encoded.first_rows, row, side="right")) - 1
            null = encoded.decoding[example].columns[row - int(encoded.first_rows[example]), 2]
            marks[first : last + 1] = ["no answer" if first == null else "answer"] * (last + 1 - first)
        return marks

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Sum over rows of the mean of two cross-entropies; the model's scores have shape (rows, length) each.

        Padding is excluded: otherwise a row's loss would depend on the longest row of its batch.
        """
        import torch
        from torch.nn.functional import cross_entropy

        output, padding = forward(model, batch), batch["attention_mask"] == 0
        first, last = batch[TARGETS].unbind(-1)
        starts, ends = (
            scores.float().masked_fill(padding, -torch.inf) for scores in (output.start_logits, output.end_logits)
        )
        return (cross_entropy(starts, first, reduction="sum") + cross_entropy(ends, last, reduction="sum")) / 2

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Windows]) -> list[str]:
        """The best span over all windows as written in the context; "" if there is no answer.

        As in SQuAD 2.0's evaluation, the score of no answer is the minimum of the null position's scores over the
        windows.
        """
        return [answer for answer, _ in self.scored(model, batch, decoding)]

    def scored(
        self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Windows]
    ) -> list[tuple[str, tuple[int, float]]]:
        """The answers, each with the character where it begins, or -1 if there is none, and its probability.

        The probability is the product of those of the first and the last token, in the answer's window.
        """
        import torch

        output = forward(model, batch)
        columns = torch.from_numpy(np.concatenate([windows.columns for windows in decoding]))
        found = best_spans(
            output.start_logits.float(),
            output.end_logits.float(),
            columns.to(output.start_logits.device),
            self.max_answer_length,
        )
        rows = np.cumsum([0] + [len(windows.firsts) for windows in decoding])
        total = _log_totals(output.start_logits, output.end_logits, columns.to(output.start_logits.device))
        spans = [part.detach().cpu().numpy() for part in (*found, total)]
        return [
            self._answer(windows, *(part[begin:end] for part in spans))
            for windows, begin, end in zip(decoding, rows, rows[1:], strict=False)
        ]

    def _answer(
        self, windows: Windows, scores: Array, first: Array, last: Array, null: Array, total: Array
    ) -> tuple[str, tuple[int, float]]:
        """The best of one example's spans, one per row, columns `first` to `last`; see `scored`."""
        row = int(scores.argmax())
        if not np.isfinite(scores[row]) or (self.no_answers and null.min() > scores[row]):
            least = int(null.argmin())
            return "", (-1, float(np.exp(np.float64(null[least]) - total[least])))
        shift = windows.firsts[row] - windows.columns[row, 0]
        begin = windows.offsets[first[row] + shift, 0]
        end = end_of(windows.context, windows.offsets, int(last[row] + shift))
        # Some tokenizers include the space before a word.
        text = windows.context[begin:end]
        begin += len(text) - len(text.lstrip())
        return text.strip(), (int(begin), float(np.exp(np.float64(scores[row]) - total[row])))


def _log_totals(start: Tensor, end: Tensor, columns: Tensor) -> Tensor:
    """The logarithm of the sum over all pairs of first and last token in a row's window and null position."""
    import torch

    places = torch.arange(start.shape[1], device=start.device)
    other = ((places < columns[:, :1]) | (places >= columns[:, 1:2])) & (places != columns[:, 2:])
    sums = [scores.double().masked_fill(other, -torch.inf).logsumexp(-1) for scores in (start, end)]
    return sums[0] + sums[1]


def best_spans(
    start: Tensor, end: Tensor, columns: Tensor, max_answer_length: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each row, the best span's score, first and last column, and the score of the null position.

    start, end: (rows, length). columns: (rows, 3), see `Windows`. The score of a row without a token is -inf.
    """
    import torch
    from torch.nn.functional import pad

    places = torch.arange(start.shape[1], device=start.device)
    outside = (places < columns[:, :1]) | (places >= columns[:, 1:2])
    # For each first token, the best last one within reach: (rows, length, max_answer_length).
    reach = pad(end.masked_fill(outside, -torch.inf), (0, max_answer_length - 1), value=-torch.inf)
    best, further = reach.unfold(1, max_answer_length, 1).max(-1)
    scores, first = (start.masked_fill(outside, -torch.inf) + best).max(-1)
    last = first + further.gather(1, first[:, None])[:, 0]
    null = (start + end).gather(1, columns[:, 2:])[:, 0]
    return scores, first, last, null
