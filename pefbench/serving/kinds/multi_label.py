"""Any number of labels for a text or a pair: ``{"labels", "probabilities", "truncated"}``.

Labels are given from the trial's thresholds on. A text beyond the maximum length is read as the trial reads it, from
its beginning, and the answer says `truncated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.heads.examples import LabelSetExample
from pefbench.serving.kind import Answer, Asked, Kind, cut, single, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.multi_label import MultiLabelHead


class MultiLabelKind(Kind):
    """Label sets."""

    def ask(
        self,
        values: Mapping[str, Any],
        head: MultiLabelHead,  # noqa: ARG002 - the texts say all
        tokenizer: PreTrainedTokenizerFast,  # noqa: ARG002
        max_length: int,  # noqa: ARG002
    ) -> Asked:
        """A text, or a text and its pair."""
        pair = text(values, "pair") if "pair" in values else None
        return Asked([LabelSetExample(text(values, "text"), (), pair)])

    def say(self, asked: Asked, head: MultiLabelHead, found: Sequence[tuple[Any, Any]], *, truncated: bool) -> Answer:  # noqa: ARG002
        """The labels, and the probability of each that there is."""
        answer, _ = single(found)
        probabilities = dict(zip(head.labels, answer["scores"], strict=True))
        return {"labels": answer["labels"], "probabilities": probabilities, "truncated": truncated}

    def line(self, answer: Answer) -> str:
        """Each label with its probability."""
        said = "  ".join(f"{label} {answer['probabilities'][label]:.3f}" for label in answer["labels"])
        return f"{said or 'no label'}{cut(answer)}"


KIND = MultiLabelKind()
