"""A generated text: ``{"text", "finish_reason", "tokens", "prompt_tokens", "truncated"}``.

`finish_reason` is `stop` if the model or a text of `stop` ended the text, `length` if it reached the maximum number of
tokens, and `cancelled` if the reader stopped it. `tokens` counts the generated tokens, including the end token,
`prompt_tokens` those of the prompt. The task makes the prompt from the input, in the model's chat template if it has
one, as in training. A prompt that is too long is cut as in the trial, and the answer has `truncated`.
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
        """The prompt, with the query's generation settings."""
        return replace(prompt, number=query.number, wanted=query.wanted)

    def apart(self, query: Query, example: Any) -> Hashable:  # noqa: ARG002 - the wishes suffice
        """Texts with the same beam search share a batch, as do all texts without one."""
        search = query.wanted.search if query.wanted else None
        return search if search and search.num_beams > 1 else search is None

    def answer(
        self,
        query: Query,  # noqa: ARG002 - the scores suffice
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
        """The prompt, and the conversation before it as roles and texts."""
        given = {"prompt": f"{example.instruction}{example.prompt}"}
        return {**given, "history": [[*message] for message in example.history]} if example.history else given

    def prediction(self, answer: Answer, query: Query, head: GenerationHead) -> Any:  # noqa: ARG002 - the answer suffices
        """The text."""
        return answer["text"]

    def line(self, answer: Answer) -> str:
        """The text on one line, with a note if it was cut or too long."""
        odd = [
            *(["truncated: only a part of the prompt was read"] if answer["truncated"] else []),
            *(["stopped at the maximum length"] if answer["finish_reason"] == "length" else []),
        ]
        shown = answer["text"].replace("\r\n", "\n").replace("\n", "\\n")
        return f"{shown}  ({'; '.join(odd)})" if odd else shown


KIND = GenerationKind()
