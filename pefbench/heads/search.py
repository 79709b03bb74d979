"""How a language model generates answers: greedily, with beams, or by sampling; alike for all models and methods."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.heads._sampling import GumbelNoise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._pairs import Array
    from pefbench.heads.written import Written

FAR = 2**32
"""More examples than any split has."""


@dataclass(frozen=True, slots=True)
class Search:
    """How answers are generated; part of a metric's signature, because every score depends on it.

    max_new_tokens: the maximum length of an answer in tokens, including the end token. num_beams: 1 is greedy search.
    temperature: above 0, each token is sampled with `seed` from the `top_k` most likely tokens, and of these from the
    most likely that together reach `top_p`; requires num_beams 1. samples: the number of answers sampled for each
    prompt, which does not affect the first one.
    """

    max_new_tokens: int = 64
    num_beams: int = 1
    temperature: float = 0.0
    top_k: int = 50
    seed: int = 0
    samples: int = 1
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for settings that contradict each other."""
        if self.samples < 1 or (self.samples > 1 and not self.temperature):
            raise ValueError(f"{self.samples} samples at temperature {self.temperature}")
        if self.temperature < 0 or (self.temperature > 0 and self.num_beams > 1):
            raise ValueError(f"temperature {self.temperature} with {self.num_beams} beams")

    @property
    def signature(self) -> str:
        """The settings for a metric's signature."""
        how = "greedy" if self.num_beams == 1 else f"beams-{self.num_beams}"
        if self.temperature:
            how = f"drawn|temperature:{self.temperature:g}|top-k:{self.top_k}|seed:{self.seed}"
            how += f"|top-p:{self.top_p:g}" if self.top_p < 1 else ""
            how += f"|samples:{self.samples}" if self.samples > 1 else ""
        return f"search:{how}|new:{self.max_new_tokens}"


@dataclass(frozen=True, slots=True)
class DecoderPrompt:
    """The tokens that the decoder continues.

    ids: the tokens that the decoder gets: a decoder's whole prompt, or an encoder-decoder's start. reference_length:
    the number of tokens in the right answer before truncation, including the end token. end: the end token. number: of
    the example in its split, from 0. sample: of the answer to it, from 0. read: the number of prompt tokens that the
    model reads. wanted: a user's own settings; None: those of the head.
    """

    ids: Array
    reference_length: int
    end: int
    tokenizer: PreTrainedTokenizerFast
    number: int = 0
    sample: int = 0
    read: int = 0
    wanted: Wanted | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A user's settings for a text: a search, and stop texts, which are excluded from the result.

    told: gets each part of the text as soon as it is final; returns False to cancel. done: gets the whole text as soon
    as it has ended, while others in the batch continue. With several beams nothing is final before all have ended.
    """

    search: Search
    stop: tuple[str, ...] = ()
    told: Callable[[str], bool] | None = None
    done: Callable[[Written], None] | None = None


def processors(prompts: Sequence[DecoderPrompt], searches: Sequence[Search]) -> list[GumbelNoise]:
    """The logits processors for these rows, each row with its own search."""
    found: list[GumbelNoise] = []
    for search in dict.fromkeys(each for each in searches if each.temperature):
        rows = [i for i, each in enumerate(searches) if each == search]
        numbers = [prompts[i].number + prompts[i].sample * FAR for i in rows]
        found.append(
            GumbelNoise(
                numbers,
                temperature=search.temperature,
                top_k=search.top_k,
                seed=search.seed,
                top_p=search.top_p,
                rows=None if len(rows) == len(prompts) else rows,
            )
        )
    return found


@contextmanager
def searching(model: Any, search: Search, prompt: DecoderPrompt) -> Iterator[list[int]]:
    """Make the model generate only by `search` inside the block; yields the tokens that end an answer.

    A checkpoint's own settings for beams, penalties, sampling or lengths would make models' scores incomparable. Only
    its settings for special tokens apply: where to begin and end, and what never to generate.
    """
    from transformers import GenerationConfig

    from pefbench.models.architecture import unwrap

    base = unwrap(model)
    own = base.generation_config
    ends = sorted(
        {prompt.end, *np.atleast_1d([] if own.eos_token_id is None else own.eos_token_id).astype(int).tolist()}
    )
    base.generation_config = GenerationConfig(
        max_new_tokens=search.max_new_tokens,
        num_beams=search.num_beams,
        do_sample=False,
        use_cache=True,
        pad_token_id=prompt.tokenizer.pad_token_id,
        eos_token_id=ends,
        decoder_start_token_id=own.decoder_start_token_id,
        bad_words_ids=own.bad_words_ids,
        suppress_tokens=own.suppress_tokens,
    )
    try:
        yield ends
    finally:
        base.generation_config = own
