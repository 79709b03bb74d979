"""How a language model's answers are found: greedily, with beams, or drawn; the same for every model and method."""

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
"""More examples than a split has."""


@dataclass(frozen=True, slots=True)
class Search:
    """How answers are found; part of a metric's signature, as every score depends on it.

    max_new_tokens: tokens of an answer, the end token among them. num_beams: 1 is greedy search. temperature:
    above 0 answers are drawn, each token from the `top_k` likeliest, and of these from the likeliest that reach `top_p`
    together, by `seed`; without beams. samples: drawn answers to each prompt; the first is the same whatever their
    number.
    """

    max_new_tokens: int = 64
    num_beams: int = 1
    temperature: float = 0.0
    top_k: int = 50
    seed: int = 0
    samples: int = 1
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be searched for."""
        if self.samples < 1 or (self.samples > 1 and not self.temperature):
            raise ValueError(f"{self.samples} samples at temperature {self.temperature}")
        if self.temperature < 0 or (self.temperature > 0 and self.num_beams > 1):
            raise ValueError(f"temperature {self.temperature} with {self.num_beams} beams")

    @property
    def signature(self) -> str:
        """The settings as in the signature of a metric."""
        how = "greedy" if self.num_beams == 1 else f"beams-{self.num_beams}"
        if self.temperature:
            how = f"drawn|temperature:{self.temperature:g}|top-k:{self.top_k}|seed:{self.seed}"
            how += f"|top-p:{self.top_p:g}" if self.top_p < 1 else ""
            how += f"|samples:{self.samples}" if self.samples > 1 else ""
        return f"search:{how}|new:{self.max_new_tokens}"


@dataclass(frozen=True, slots=True)
class DecoderPrompt:
    """The tokens that the decoder continues.

    ids: the tokens that it is given: a decoder's whole prompt, an encoder-decoder's start. reference_length: tokens of
    the right answer before truncation, the end token among them. end: the end token. number: of the example in its
    split, from 0. sample: of the answers to it, from 0. read: tokens of the prompt that the model reads. wanted: how a
    user wants the text; None: as the head searches.
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
    """How a user wants a text: by a search of its own, up to any of the texts in `stop`, which are left out.

    told: is given each piece of the text as soon as it is certain; False from it breaks off. done: is given the whole
    as soon as it has ended, while others in its batch go on. Of several beams nothing is certain before the end of all.
    """

    search: Search
    stop: tuple[str, ...] = ()
    told: Callable[[str], bool] | None = None
    done: Callable[[Written], None] | None = None


def processors(prompts: Sequence[DecoderPrompt], searches: Sequence[Search]) -> list[GumbelNoise]:
    """The logits processors for these rows, each with its search."""
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
    """Let the model generate by `search` alone inside the block, and give the tokens that end an answer.

    A checkpoint's own settings for beams, penalties, sampling or lengths would make scores of models incomparable; only
    those for special tokens hold: where to begin and end, and what never to give.
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
