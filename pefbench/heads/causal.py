"""Generation by a decoder: an answer is the continuation of its prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pefbench.heads import IGNORED, TARGETS, Encoded
from pefbench.heads._generation import GenerationHead, ended
from pefbench.heads._language import causal_losses
from pefbench.heads._pairs import ids
from pefbench.heads._prompts import Chat, for_decoder
from pefbench.heads._writing import generate
from pefbench.heads.search import DecoderPrompt, Search
from pefbench.models.attention_windows import windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads._judging import Judge, Right
    from pefbench.heads._pairs import Array, End
    from pefbench.heads._writing import Writing
    from pefbench.heads.examples import GenerationExample

IN_CACHE = ("PREFIX_TUNING", "CARTRIDGE", "MAM")
"""PEFT's types whose virtual tokens are keys and values in a decoder's cache."""


class CausalHead(GenerationHead):
    """Answers as the continuation of their prompts, by a decoder.

    A row is a prompt, its answer and the end token, in `max_length` tokens. A prompt leaves room for `max_new_tokens`,
    the same in training and testing, so that every answer can be generated.
    """

    auto_class = "AutoModelForCausalLM"
    task_type = "CAUSAL_LM"
    packs = True

    def __init__(
        self,
        *,
        search: Search | None = None,
        keep: End = "end",
        chat: bool = True,
        separator: str = "\n",
        last_logits: bool = False,
        likelihood: bool = False,
        judge: Judge | None = None,
        right: Right | None = None,
    ) -> None:
        super().__init__(search, likelihood=likelihood, judge=judge, right=right)
        self.keep, self.chat, self.separator, self.last_logits = keep, chat, separator, last_logits

    def encode(
        self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[GenerationExample], max_length: int
    ) -> Encoded:
        """Tokenise prompts and answers separately, as in generation. Raises RecipeError if there is no room."""
        self.check_room(max_length, 1)
        prompter, end = for_decoder(tokenizer, self.keep, chat=self.chat, separator=self.separator)
        prompts, rows, labels, cut = [], [], [], []
        answers = ids(tokenizer, [example.target for example in examples])
        for number, (example, answer) in enumerate(zip(examples, answers, strict=True)):
            room = max_length - self.search.max_new_tokens
            prompt, whole = prompter.prompt(example.history, example.prompt, room, example.instruction, example.asks)
            learned = ended(answer, end, max_length - len(prompt))
            rows.append(np.concatenate([prompt, learned]))
            labels.append(np.concatenate([np.full_like(prompt, IGNORED), learned]))
            prompts.append(DecoderPrompt(prompt, len(answer) + 1, end, tokenizer, number, read=len(prompt)))
            cut.append(not whole or len(learned) <= len(answer))
        return Encoded(
            features={"input_ids": rows, TARGETS: labels},
            targets=np.asarray([int((row != IGNORED).sum()) for row in labels], dtype=np.int64),
            decoding=prompts,
            cut=cut,
            padding={"input_ids": tokenizer.pad_token_id, TARGETS: IGNORED},
            notes=prompter.template.notes if isinstance(prompter, Chat) else [],
        )

    def marks(self, encoded: Encoded, row: int) -> list[str]:
        """The answer's tokens and its end token."""
        return ["" if label == IGNORED else "answer" for label in encoded.features[TARGETS][row].tolist()]

    def refusals(
        self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[GenerationExample], max_length: int
    ) -> Iterator[tuple[int, str]]:
        """The examples that the chat template refuses, whole or after their oldest turns are dropped."""
        if not (self.chat and tokenizer.chat_template):
            return
        self.check_room(max_length, 1)
        prompter, room = Chat(tokenizer, self.keep), max_length - self.search.max_new_tokens
        for number, example in enumerate(examples):
            if reason := prompter.refusal(example.history, example.prompt, room, example.instruction, example.asks):
                yield number, f"{example.where or f'example {number}'}: {reason}"

    def prediction_lengths(self, encoded: Encoded) -> Array:
        """The lengths of the prompts: which examples share a batch must not depend on the answers' lengths."""
        return np.asarray([len(prompt.ids) for prompt in encoded.decoding], dtype=np.int64)

    def losses(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The loss of each token of the answers; the model's logits have shape (batch, length, vocabulary)."""
        return causal_losses(model, batch, batch[TARGETS], last_logits=self.last_logits)

    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], writings: Sequence[Writing]) -> Iterable[Array]:
        """Continue the prompts, padded on the left; the model derives positions from the mask."""
        found: dict[int, Array] = {}
        prompts, answer = [one.prompt for one in writings], max(one.search.max_new_tokens for one in writings)
        lengths = [len(one.ids) for one in prompts]
        for group in _groups(lengths, together=_takes_padding(model, max(lengths) + answer)):
            given = _padded_left([prompts[i].ids for i in group], prompts[0].tokenizer.pad_token_id)
            inputs = {name: tensor.to(batch["input_ids"].device) for name, tensor in given.items()}
            found |= zip(group, generate(model, [writings[i] for i in group], **inputs), strict=True)
        return [found[i] for i in range(len(prompts))]


def _padded_left(rows: Sequence[Array], padding: int) -> dict[str, Tensor]:
    """Prompts as one batch, (rows, longest), with their mask."""
    import torch

    width = max(map(len, rows))
    batch = np.full((2, len(rows), width), [[[padding]], [[0]]], dtype=np.int64)
    for i, row in enumerate(rows):
        batch[0, i, width - len(row) :] = row
        batch[1, i, width - len(row) :] = 1
    return {"input_ids": torch.from_numpy(batch[0]), "attention_mask": torch.from_numpy(batch[1])}


def _groups(lengths: Sequence[int], *, together: bool) -> list[list[int]]:
    """Which prompts to continue together: all, or those of equal length."""
    if together:
        return [list(range(len(lengths)))]
    return [[i for i, length in enumerate(lengths) if length == one] for one in sorted(set(lengths))]


def _takes_padding(model: nn.Module, length: int) -> bool:
    """Whether prompts may be padded on the left. length: of the longest with its answer.

    If virtual tokens precede the text, PEFT drops the positions, and padding between the two would count as text. A
    prefix is in the cache and keeps its positions, but attention windows count padding: it would move the prefix out of
    a window that reaches it without padding.
    """
    peft: Any = getattr(model, "active_peft_config", None)
    virtual = getattr(peft, "num_virtual_tokens", None)
    if not virtual:
        return True
    found = windows(cast("Any", model).config)
    return peft.peft_type in IN_CACHE and (found is None or virtual + length <= found.tokens)
