"""The generation head: text in, text out, by a decoder or an encoder-decoder.

Only the answer's tokens and its end token are learned. Answers are generated in batches, with a cache of keys and
values; `Search` has the settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pefbench.errors import RecipeError
from pefbench.heads._language import is_decoder, offers_last_logits
from pefbench.heads.dataset import Fixed
from pefbench.heads.search import Search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PretrainedConfig

    from pefbench.heads._generation import GenerationHead
    from pefbench.heads._judging import Judge, Right
    from pefbench.heads._pairs import End
    from pefbench.heads.examples import GenerationExample


@dataclass(frozen=True)
class GenerationDataset(Fixed):
    """Prompts and answers by split.

    search: how to generate. keep: which end of a prompt is kept if it is too long. chat: decoders get prompts in their
    chat template, if they have one. separator: put between prompt and answer of decoders without a template.
    likelihood: predictions include the likelihood of the example's own answer, see `GenerationHead.predict`. judge: see
    `_judging`. right: see `GenerationAnswers`.
    """

    splits: Mapping[str, Sequence[GenerationExample]]
    notes: Sequence[str] = field(default_factory=list)
    search: Search = field(default_factory=Search)
    keep: End = "end"
    chat: bool = True
    separator: str = "\n"
    likelihood: bool = False
    judge: Judge | None = None
    right: Right | None = None

    def head(self, model: PretrainedConfig) -> GenerationHead:
        """The head for this kind of model. Raises RecipeError for encoders, which cannot generate."""
        from pefbench.heads.causal import CausalHead
        from pefbench.heads.seq2seq import Seq2SeqHead

        if is_decoder(model):
            return CausalHead(
                search=self.search,
                keep=self.keep,
                chat=self.chat,
                separator=self.separator,
                last_logits=offers_last_logits(model),
                likelihood=self.likelihood,
                judge=self.judge,
                right=self.right,
            )
        if not model.is_encoder_decoder:
            raise RecipeError(
                f"model.name: {model.model_type} is an encoder and cannot generate text; use a decoder or an "
                f"encoder-decoder"
            )
        start = getattr(model, "decoder_start_token_id", None)
        if start is None:
            raise RecipeError("model.name: the config of this encoder-decoder has no decoder_start_token_id")
        return Seq2SeqHead(
            start,
            search=self.search,
            keep=self.keep,
            likelihood=self.likelihood,
            judge=self.judge,
            right=self.right,
        )


DATASET = GenerationDataset
