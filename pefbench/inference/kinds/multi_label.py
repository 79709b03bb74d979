"""Any number of labels for a text or a pair: ``{"labels", "probabilities", "truncated"}``.

A label is given if its probability reaches the trial's threshold. A text beyond the maximum length is cut as in the
trial, only its beginning is read, and the answer has `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import LabelSetExample
from pefbench.inference.kind import Answer, Query, TextKind, cut, single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.multi_label import MultiLabelHead


class MultiLabelKind(TextKind):
    """Label sets."""

    def example(self, text: str, pair: str | None) -> LabelSetExample:
        """An example without labels."""
        return LabelSetExample(text, (), pair)

    def answer(
        self,
        query: Query,  # noqa: ARG002 - the scores say all
        head: MultiLabelHead,
        found: Sequence[tuple[Any, Any]],
        *,
        truncated: bool,
    ) -> Answer:
        """The labels, and the probability of each that there is."""
        answer, _ = single(found)
        probabilities = dict(zip(head.labels, answer["scores"], strict=True))
        return {"labels": answer["labels"], "probabilities": probabilities, "truncated": truncated}

    def prediction(self, answer: Answer, query: Query, head: MultiLabelHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The labels, and the probabilities in the order of the head's."""
        return {"labels": answer["labels"], "scores": [*answer["probabilities"].values()]}

    def line(self, answer: Answer) -> str:
        """Each label with its probability."""
        labels = "  ".join(f"{label} {answer['probabilities'][label]:.3f}" for label in answer["labels"])
        return f"{labels or 'no label'}{cut(answer)}"


KIND = MultiLabelKind()
