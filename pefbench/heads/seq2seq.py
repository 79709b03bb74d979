"""Generation by an encoder-decoder: the encoder reads the prompt, the decoder writes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pefbench.heads import IGNORED, TARGETS, Encoded, forward
from pefbench.heads._generation import GenerationHead, ended
from pefbench.heads._global_attention import global_attention
from pefbench.heads._pairs import added, end_token, ids
from pefbench.heads._prompts import Plain
from pefbench.heads._writing import generate
from pefbench.heads.search import DecoderPrompt, Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._judging import Judge, Right
    from pefbench.heads._pairs import Array, End
    from pefbench.heads._writing import Writing
    from pefbench.heads.examples import GenerationExample


class Seq2SeqHead(GenerationHead):
    """Answers by an encoder-decoder; the decoder's input is the answer shifted by one token.

    start: the decoder's first token. Anything else that the tokenizer puts before a target (BART's start, a language)
    is given as well, and neither learned nor generated.
    """

    auto_class = "AutoModelForSeq2SeqLM"
    task_type = "SEQ_2_SEQ_LM"

    def __init__(
        self,
        start: int,
        *,
        search: Search | None = None,
        keep: End = "end",
        likelihood: bool = False,
        judge: Judge | None = None,
        right: Right | None = None,
    ) -> None:
        super().__init__(search, likelihood=likelihood, judge=judge, right=right)
        self.start, self.keep = start, keep

    def encode(
        self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[GenerationExample], max_length: int
    ) -> Encoded:
        """Tokenise sources and targets, each of at most `max_length` tokens. Raises RecipeError."""
        prompter = Plain(tokenizer, self.keep, *added(tokenizer))
        before, after = added(tokenizer, "text_target")
        start_ids = np.concatenate([[self.start], before[1:] if before[:1].tolist() == [self.start] else before])
        self.check_room(max_length, len(start_ids))
        end = int(after[-1]) if len(after) else end_token(tokenizer)
        sources = [prompter.prompt(each.history, each.prompt, max_length, each.instruction) for each in examples]
        answers = ids(tokenizer, [example.target for example in examples], "text_target")
        learned = [ended(answer, end, max_length - len(start_ids)) for answer in answers]
        labels = [np.concatenate([np.full(len(start_ids) - 1, IGNORED), row]) for row in learned]
        return Encoded(
            features={
                "input_ids": [source for source, _ in sources],
                "decoder_input_ids": [np.concatenate([start_ids, row[:-1]]) for row in learned],
                TARGETS: labels,
            },
            targets=np.asarray([len(row) for row in learned], dtype=np.int64),
            decoding=[
                DecoderPrompt(start_ids, len(answer) + 1, end, tokenizer, number, read=len(source))
                for number, (answer, (source, _)) in enumerate(zip(answers, sources, strict=True))
            ],
            cut=[
                not whole or len(row) <= len(answer)
                for (_, whole), row, answer in zip(sources, learned, answers, strict=True)
            ],
            padding={
                "input_ids": tokenizer.pad_token_id,
                "decoder_input_ids": tokenizer.pad_token_id,
                TARGETS: IGNORED,
            },
        )

    def losses(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The loss of each token of the answers; the model's logits have shape (batch, answer, vocabulary)."""
        from torch.nn.functional import cross_entropy

        learned = batch[TARGETS] != IGNORED
        logits = forward(model, batch, use_cache=False).logits[:, -learned.shape[1] :]
        return cross_entropy(logits[learned].float(), batch[TARGETS][learned], reduction="none"), learned.nonzero()[
            :, 0
        ]

    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], writings: Sequence[Writing]) -> Iterable[Array]:
        """Generate from the batch's sources."""
        import torch

        sources = {name: batch[name] for name in ("input_ids", "attention_mask")}
        sources |= global_attention(model, sources)
        start_ids = torch.from_numpy(np.stack([one.prompt.ids for one in writings])).to(batch["input_ids"].device)
        return generate(model, writings, **sources, decoder_input_ids=start_ids)
