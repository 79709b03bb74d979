"""Generation by decoders and encoder-decoders: how answers are generated and decoded."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from pefbench.errors import RecipeError
from pefbench.heads import Head
from pefbench.heads._generation_answers import GenerationAnswers
from pefbench.heads._writing import Writing
from pefbench.heads.search import Search, searching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn

    from pefbench.heads import Encoded, HeadConfig
    from pefbench.heads._judging import Judge, Right
    from pefbench.heads._pairs import Array
    from pefbench.heads.search import DecoderPrompt
    from pefbench.heads.written import Written


BRIEF = 3
"""Generating this many tokens allocates all memory that generation needs, except what grows with the answer's length.
"""
COVERED = 95
"""The percentage of references that must fit into `max_new_tokens`."""


class Likely(TypedDict):
    """A generated text, and the likelihood of the example's own answer."""

    text: str
    nll: float
    """The sum of the negative log-likelihoods of the answer's tokens, including the end token, in nats."""
    pieces: int
    """The number of tokens in that sum."""


class GenerationHead(Head):
    """What generation by decoders and by encoder-decoders has in common."""

    needs_alignment = False
    generates = True
    fast = True
    """Whether faster steps replace the library's own."""

    def __init__(self, search: Search | None, *, likelihood: bool, judge: Judge | None, right: Right | None) -> None:
        self.search, self.likelihood = search or Search(), likelihood
        self.answers = GenerationAnswers(self.search, likelihood=likelihood, judge=judge, right=right)

    @property
    def longest_answer(self) -> int:
        """The maximum number of tokens of an answer."""
        return self.search.max_new_tokens

    def brief(self) -> GenerationHead:
        """The same head, limited to the first tokens of an answer."""
        other = copy(self)
        other.search = replace(self.search, max_new_tokens=min(BRIEF, self.search.max_new_tokens))
        return other

    def plain(self) -> GenerationHead:
        """The same head, using the library's own generation steps."""
        other = copy(self)
        other.fast = False
        return other

    @abstractmethod
    def losses(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The cross-entropy of each target token, in fp32, and the row that it belongs to: (targets,) each."""

    @abstractmethod
    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], writings: Sequence[Writing]) -> Iterable[Array]:
        """The tokens generated after each prompt's ids, in order, including any after the end token."""

    def config(self) -> HeadConfig:
        """No entries: the head is the model's own."""
        return {}

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over the answers' tokens; the logits have shape (batch, length or answer, vocabulary)."""
        return self.losses(model, batch)[0].sum()

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[DecoderPrompt]) -> list[Any]:
        """The generated texts, without special tokens; with `likelihood` also the likelihood of the right answer.

        If the answer was truncated for training, this is the likelihood of the truncated answer. If there are several
        samples, the first is the text, and all are listed as `samples`.
        """
        several = ([replace(one, sample=i) for one in decoding] for i in range(self.search.samples))
        drawn = [[each.text for each in self._written(model, batch, prompts)] for prompts in several]
        if not self.likelihood:
            return _with_samples(drawn[0], drawn)
        losses, row = (tensor.cpu() for tensor in self.losses(model, batch))
        sums = row.bincount(losses.double(), minlength=len(decoding)).tolist()
        counts = row.bincount(minlength=len(decoding)).tolist()
        likely = [Likely(text=text, nll=nll, pieces=n) for text, nll, n in zip(drawn[0], sums, counts, strict=True)]
        return _with_samples(likely, drawn)

    def scored(
        self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[DecoderPrompt]
    ) -> list[tuple[str, Written]]:
        """The generated texts, the first of several samples, each as requested, and how each ended."""
        return [(each.text, each) for each in self._written(model, batch, decoding)]

    def _written(
        self, model: nn.Module, batch: Mapping[str, Tensor], prompts: Sequence[DecoderPrompt]
    ) -> list[Written]:
        """The texts. The number of beams is the same for all of them."""
        from pefbench.models.patches.generation import fast_search

        searches = [one.wanted.search if one.wanted else self.search for one in prompts]
        longest = max(searches, key=lambda search: search.max_new_tokens)
        steps = fast_search(model) if self.fast else nullcontext()
        with searching(model, longest, prompts[0]) as ends, steps:
            writings = [Writing(one, self.search, ends) for one in prompts]
            found = list(self.generate(model, batch, writings))
        return [one.written(tokens) for one, tokens in zip(writings, found, strict=True)]

    def remarks(self, encoded: Mapping[str, Encoded]) -> list[str]:
        """Notes on adjustments to the model. Raises RecipeError if a scored split has answers too long to generate."""
        for split, each in encoded.items():
            problem = too_short(reference_lengths(each), self.search.max_new_tokens)
            if problem and split != "train":
                raise RecipeError(f"{problem} (split {split})")
        return sorted({note for each in encoded.values() for note in each.notes})

    def check_room(self, max_length: int, before: int) -> None:
        """Raise RecipeError if an answer after `before` tokens can become longer than a row."""
        if self.search.max_new_tokens + before > max_length:
            raise RecipeError(
                f"max_new_tokens: {self.search.max_new_tokens} new tokens and a prompt do not fit into "
                f"train.max_length, {max_length}; at most {max_length - before}"
            )


def reference_lengths(encoded: Encoded) -> Array:
    """The length of each right answer in tokens, untruncated and including the end token: (examples,)."""
    return np.asarray([prompt.reference_length for prompt in encoded.decoding], dtype=np.int64)


def too_short(lengths: Array, max_new_tokens: int) -> str | None:
    """An error message if fewer than 95 % of answers of these lengths can be generated whole; otherwise None."""
    if not len(lengths):
        return None
    needed = int(np.percentile(lengths, COVERED, method="inverted_cdf"))
    if needed <= max_new_tokens:
        return None
    reached = 100 * float((lengths <= max_new_tokens).mean())
    return (
        f"options.max_new_tokens: {max_new_tokens} tokens cover {reached:.0f} % of the references; "
        f"{COVERED} % of them need {needed}"
    )


def ended(answer: Array, end: int, room: int) -> Array:
    """An answer with its end token; an answer that does not fit is truncated and has none."""
    return np.append(answer, end)[:room]


def _with_samples(answers: Sequence[Any], drawn: Sequence[Sequence[str]]) -> list[Any]:
    """Answers with all their samples, if there is more than one for each."""
    if len(drawn) == 1:
        return list(answers)
    with_text = [{"text": answer} if isinstance(answer, str) else answer for answer in answers]
    return [
        {**answer, "samples": list(texts)} for answer, texts in zip(with_text, zip(*drawn, strict=True), strict=True)
    ]
