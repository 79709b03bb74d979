"""A generated text: ``{"text", "finish_reason", "tokens", "prompt_tokens", "truncated"}``.

`finish_reason` is `stop` where the model ended the text, or one of the texts of `stop` did, `length` where it has as
many tokens as it may have, `cancelled` where whoever reads it broke off. `tokens` are those that were generated, the
end token among them, `prompt_tokens` those that the model read. The prompt is what the task makes of the input, in the
chat template of the model where it has one, as in training. One that is too long is cut as in the trial, and the answer
says `truncated`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pefbench.inference.kind import Answer, Json, Kind, Query, single

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pefbench.heads._generation import GenerationHead
    from pefbench.heads.examples import GenerationExample
    from pefbench.heads.search import DecoderPrompt
    from pefbench.heads.written import Written


class GenerationKind(Kind):
    """Generated texts."""

    def decoding(self, query: Query, prompt: DecoderPrompt) -> DecoderPrompt:
        """The prompt, with how its text is wanted."""
        return replace(prompt, number=query.number, wanted=query.wanted)

    def apart(self, query: Query, example: Any) -> Hashable:  # noqa: ARG002 - the wish says all
        """Beams are searched for by one search; other texts have one each."""
        search = query.wanted.search if query.wanted else None
        return search if search and search.num_beams > 1 else search is None

    def answer(
        self,
        query: Query,  # noqa: ARG002 - the scores say all
        head: GenerationHead,  # noqa: ARG002
        found: Sequence[tuple[Any, Any]],
        *,
        truncated: bool,
    ) -> Answer:
        """The text, and how it ended."""
        text, how = single(found)
        written: Written = how
        return {
            "text": text,
            "finish_reason": written.finish,
            "tokens": written.tokens,
            "prompt_tokens": written.read,
            "truncated": truncated,
        }

    def input_of(self, example: GenerationExample) -> Json:
        """The prompt, and what was said before it, as roles and texts."""
        given = {"prompt": f"{example.instruction}{example.prompt}"}
        return {**given, "history": [[*message] for message in example.history]} if example.history else given

    def prediction(self, answer: Answer, query: Query, head: GenerationHead) -> Any:  # noqa: ARG002 - the answer says all
        """The text."""
        return answer["text"]

    def line(self, answer: Answer) -> str:
        """The text, on one line; and what is not as it should be."""
        odd = [
            *(["truncated: only a part of the prompt was read"] if answer["truncated"] else []),
            *(["stopped at the maximum length"] if answer["finish_reason"] == "length" else []),
        ]
        shown = answer["text"].replace("\r\n", "\n").replace("\n", "\\n")
        return f"{shown}  ({'; '.join(odd)})" if odd else shown


KIND = GenerationKind()
