"""Texts during generation, several in a batch: where each ends, and which part of it is already final."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.heads.search import processors
from pefbench.heads.written import Written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._pairs import Array
    from pefbench.heads.search import DecoderPrompt, Search
    from pefbench.heads.written import Finish

HELD_WORDS = 4
"""The number of words at the end of a text that a WordPiece decoder may still join: ``do n ' t`` becomes ``don't``."""
BROKEN = "\N{REPLACEMENT CHARACTER}"
"""Ends a text whose last character is incomplete: some of its bytes are missing."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""A token that is a byte. Consecutive bytes are decoded together: one invalid byte makes all of them `BROKEN`."""


class Writing:
    """One text during generation. search: the head's own. ends: the tokens that end it."""

    def __init__(self, prompt: DecoderPrompt, search: Search, ends: Sequence[int]) -> None:
        wanted = prompt.wanted
        self.prompt, self.ends, self.search = prompt, ends, wanted.search if wanted else search
        self.stop, self.told = (wanted.stop, wanted.told) if wanted else ((), None)
        self.done = wanted.done if wanted else None
        self._written, self._cancelled, self._over = "", False, False
        self._tokens: int | None = self.search.max_new_tokens if wanted else None

    @property
    def watched(self) -> bool:
        """Whether each of its tokens matters before the text has ended."""
        return bool(self.stop or self.told or self.done)

    def goes_on(self, tokens: Array) -> bool:
        """Whether generation continues after these tokens, of which the last is new. An ended text stays ended."""
        if not self._over and not self._continues(tokens):
            self._over = True
            if self.done:
                self.done(self.written(tokens))
        return not self._over

    def _continues(self, tokens: Array) -> bool:
        if len(tokens) >= self.search.max_new_tokens or np.isin(tokens, self.ends).any():
            return False
        if not (self.stop or self.told):
            return True
        text, size = self._text(tokens), self._settled(tokens)
        settled = text if size == len(tokens) else self._text(tokens[:size])
        certain = settled[: _certain(settled, self.stop, self.prompt.tokenizer)]
        if _first(text, self.stop) is None and self._tell(certain):
            return True
        self._tokens = len(tokens)
        return False

    def written(self, tokens: Array) -> Written:
        """The text from all its tokens, including any after its end."""
        tokens = tokens[: self._tokens]
        at = np.flatnonzero(np.isin(tokens, self.ends))
        text = self._text(tokens[: at[0]] if len(at) else tokens)
        stop = _first(text, self.stop)
        text = text[:stop]
        self._tell(text)
        ended: Finish = "stop" if len(at) or stop is not None else "length"
        return Written(
            text,
            int(at[0]) + 1 if len(at) else len(tokens),
            self.prompt.read,
            "cancelled" if self._cancelled else ended,
        )

    def _tell(self, text: str) -> bool:
        """Pass on the new part of a final text; returns whether to continue."""
        new = text[len(self._written) :] if text.startswith(self._written) else ""
        if self.told and new and not self._cancelled:
            self._written = text
            self._cancelled = not self.told(new)
        return not self._cancelled

    def _settled(self, tokens: Array) -> int:
        """The number of tokens before the bytes at the end."""
        name = self.prompt.tokenizer.convert_ids_to_tokens
        return next((at for at in range(len(tokens), 0, -1) if not BYTE.fullmatch(str(name(int(tokens[at - 1]))))), 0)

    def _text(self, tokens: Array) -> str:
        return str(
            self.prompt.tokenizer.decode(tokens.tolist(), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


class _Watch:
    """A stopping criterion that ends each row where its own text ends. start: the number of tokens before it."""

    def __init__(self, writings: Sequence[Writing], start: int) -> None:
        self.writings, self.start = writings, start

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:  # noqa: ARG002 - as transformers calls it
        """Whether each row has ended, (rows,)."""
        import torch

        rows = input_ids[:, self.start :].cpu().numpy()
        ended = [not one.goes_on(row) for one, row in zip(self.writings, rows, strict=True)]
        return torch.tensor(ended, device=input_ids.device)


def generate(model: Any, writings: Sequence[Writing], **inputs: Tensor) -> list[Array]:
    """The tokens that the model generates for each text, including any after its end."""
    from pefbench.models.patches import notices

    start = inputs.get("decoder_input_ids", inputs["input_ids"]).shape[1]
    searches = [one.search for one in writings]
    apart = len({search.max_new_tokens for search in searches}) > 1
    watched = searches[0].num_beams == 1 and (apart or any(one.watched for one in writings))
    with notices.positions_in_generate():  # PEFT's warning that positions are dropped: see `causal`
        found: Tensor = model.generate(
            **inputs,
            logits_processor=processors([one.prompt for one in writings], searches),
            stopping_criteria=[_Watch(writings, start)] if watched else [],
        )
    return list(found[:, start:].cpu().numpy())


def _first(text: str, stop: Sequence[str]) -> int | None:
    """Where the first stop text begins, if any."""
    return min((at for each in stop if (at := text.find(each)) >= 0), default=None)


def _certain(text: str, stop: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> int:
    """The number of characters that no later token changes, and that no stop text removes."""
    certain = text.rstrip(BROKEN)
    if _joins(tokenizer):
        certain = " ".join(certain.split(" ")[:-HELD_WORDS])
    begun = (len(certain) - size for each in stop for size in range(1, len(each)) if certain.endswith(each[:size]))
    return min(begun, default=len(certain))


def _joins(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the decoder may still join words that it has already written; unknown for slow tokenizers, so True."""
    decoder = tokenizer.backend_tokenizer.decoder if tokenizer.is_fast else None
    return decoder is None or type(decoder).__name__ == "WordPiece"
