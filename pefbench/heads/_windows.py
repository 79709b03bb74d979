"""Windows: splits a question with a context that is too long for one row into several rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pefbench.heads import IGNORED
from pefbench.heads._pairs import Array, Template, Tokens, end_token

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.examples import SpanExample


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over one example's context: they turn the scores of its rows into a span.

    offsets: the character range of each of the context's tokens, (tokens, 2). columns: for each row, the column of the
    first token of its window, the column after the last, and the null position, (rows, 3). firsts: for each row, the
    index of its window's first token in the context, (rows,).
    """

    context: str
    offsets: Array
    columns: Array
    firsts: Array


class Layout:
    """One example's rows: its question, and windows over its context."""

    def __init__(self, around: Template, null: int, question: Array, context: Tokens, room: int, overlap: int) -> None:
        self.around, self.question, self.context = around, question, context
        self.room = room - len(question)
        step = self.room - min(overlap, self.room // 2)
        self.starts = np.arange(0, max(1, len(context.ids) - self.room + step), step, dtype=np.int64)
        self.lengths = np.minimum(self.room, len(context.ids) - self.starts)
        self.column = len(around.before) + len(question) + len(around.between)
        self.null = null + (self.column + self.lengths + len(around.after) if null < 0 else 0 * self.lengths)

    def ids(self) -> list[Array]:
        """Each row's ids."""
        bounds = zip(self.starts, self.lengths, strict=True)
        return [self.around.join(self.question, self.context.ids[at : at + length]) for at, length in bounds]

    def segments(self) -> list[Array]:
        """Each row's `token_type_ids`."""
        return [self.around.segments_of(len(self.question), int(length)) for length in self.lengths]

    def labels(self, example: SpanExample) -> Array:
        """The columns of the answer's first and last token, (rows, 2); the null position if the row lacks the answer.

        An answer that has no token is not learned: IGNORED.
        """
        null = np.stack([self.null, self.null], axis=1)
        answer = answer_tokens(example, self.context)
        if answer is None:
            return np.full_like(null, IGNORED) if example.answers else null
        here = (self.starts <= answer[0]) & (answer[1] < self.starts + self.lengths)
        placed = np.asarray(answer) - self.starts[:, None] + self.column
        return np.where(here[:, None], placed, null)

    def windows(self, example: SpanExample) -> Windows:
        """The windows, for decoding."""
        firsts = np.full_like(self.starts, self.column)
        columns = np.stack([firsts, firsts + self.lengths, self.null], axis=1)
        return Windows(example.context, self.context.offsets, columns, self.starts)


def answer_tokens(example: SpanExample, context: Tokens) -> tuple[int, int] | None:
    """The first and last token of the context that contain a character of the first answer, or None."""
    if not example.answers:
        return None
    text, begin = example.answers[0]
    touched = np.flatnonzero((context.offsets[:, 1] > begin) & (context.offsets[:, 0] < begin + len(text)))
    return (int(touched[0]), int(touched[-1])) if len(touched) else None


def with_null(around: Template, tokenizer: PreTrainedTokenizerFast) -> tuple[Template, int]:
    """The template and its null position: the column of [CLS], or -1, the last, if an end token is used instead."""
    cls = np.flatnonzero(around.before == tokenizer.cls_token_id)
    if tokenizer.cls_token_id is not None and len(cls):
        return around, int(cls[0])
    if not len(around.after):
        end = np.asarray([end_token(tokenizer)], dtype=np.int64)
        around = Template(around.before, around.between, end, around.segments)
    return around, -1
