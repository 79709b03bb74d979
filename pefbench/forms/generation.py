"""The generation form: text in, text out, by a decoder or by an encoder-decoder.

Only the answer's pieces and the end token behind them are learned. Answers are generated in batches, with a cache of
keys and values; `Search` says how.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pefbench.errors import RecipeError
from pefbench.forms import TARGETS, Encoded, Form, forward
from pefbench.forms._language import IGNORED, causal_losses, is_decoder, offers_last_logits
from pefbench.forms._pairs import added, end_token, ids
from pefbench.forms._prompts import Plain, for_decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor, nn
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from pefbench.forms._pairs import Array, End
    from pefbench.forms._prompts import Message

COVERED = 95
"""Percent of the references that a generation must be able to reach."""


@dataclass(frozen=True, slots=True)
class GenerationExample:
    """A prompt, the answer to it, and what was said before: roles (system, user, assistant) and texts.

    references: the right texts, where the answer is not the only one. facts: what metrics need to know beside them
    (the tests that a program should pass, the attribute that a text should have), JSON-able, by name.
    """

    prompt: str
    target: str
    history: tuple[Message, ...] = ()
    references: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """How answers are found; part of a metric's signature, as every score depends on it.

    max_new_tokens: word pieces of an answer, the end token among them. num_beams: 1 is greedy search.
    """

    max_new_tokens: int = 64
    num_beams: int = 1

    @property
    def signature(self) -> str:
        """Return the settings as in the signature of a metric."""
        return f"search:{'greedy' if self.num_beams == 1 else f'beams-{self.num_beams}'}|new:{self.max_new_tokens}"


@dataclass(frozen=True)
class GenerationDataset:
    """Prompts and answers by split.

    search: how to generate. keep: which end of a prompt is kept when it is too long. chat: decoders are asked by their
    chat template where they have one. separator: what stands between prompt and answer of decoders without.
    """

    splits: Mapping[str, Sequence[GenerationExample]]
    notes: Sequence[str] = field(default_factory=list)
    search: Search = field(default_factory=Search)
    keep: End = "end"
    chat: bool = True
    separator: str = "\n"

    def form(self, model: PretrainedConfig) -> GenerationForm:
        """Return the form for this kind of model. Raises RecipeError for encoders, which cannot generate."""
        if is_decoder(model):
            return CausalForm(
                search=self.search,
                keep=self.keep,
                chat=self.chat,
                separator=self.separator,
                last_logits=offers_last_logits(model),
            )
        if not model.is_encoder_decoder:
            raise RecipeError(
                f"model.name: {model.model_type} is an encoder and cannot generate text; "
                "take a decoder or an encoder-decoder"
            )
        start = getattr(model, "decoder_start_token_id", None)
        if start is None:
            raise RecipeError("model.name: the config of this encoder-decoder has no decoder_start_token_id")
        return Seq2SeqForm(start, search=self.search, keep=self.keep)


@dataclass(frozen=True, slots=True)
class Asked:
    """What generating an answer takes.

    given: the pieces that the decoder is given: a decoder's whole prompt, an encoder-decoder's start. reference: how
    many pieces the right answer has, the end token among them, uncut. end: the end token.
    """

    given: Array
    reference: int
    end: int
    tokenizer: PreTrainedTokenizerFast


class GenerationForm(Form):
    """What both kinds of model share: how answers are searched for and read."""

    search: Search

    @abstractmethod
    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], asked: Sequence[Asked]) -> Iterable[Array]:
        """Return the pieces after those that each example was given, in order, with whatever comes after the end."""

    def config(self) -> dict[str, Any]:
        """Ask for nothing: the head is the model's own."""
        return {}

    def predict(self, model: nn.Module, batch: Mapping[str, Tensor], decoding: Sequence[Asked]) -> list[str]:
        """Return the generated texts, without special tokens."""
        with _searching(model, self.search, decoding[0]) as ends:
            found = list(self.generate(model, batch, decoding))
        return [_text(pieces, ends, asked.tokenizer) for pieces, asked in zip(found, decoding, strict=True)]

    @property
    def found_by(self) -> str:  # type: ignore[override]  # as it depends on the search
        """Return the settings of the search."""
        return self.search.signature

    def references(self, examples: Sequence[GenerationExample]) -> list[dict[str, Any]]:
        """Return the right texts of each example, one or more, as `texts`, and its facts beside them."""
        return [{"texts": [*(each.references or (each.target,))], **each.facts} for each in examples]

    def correct(self, prediction: str, reference: Mapping[str, Any]) -> bool:
        """Return whether a text is one of the right ones but for white space around it."""
        return prediction.strip() in [text.strip() for text in reference["texts"]]

    def shown(self, example: GenerationExample) -> str:
        """Return the prompt behind what was said before it, a line each."""
        return "\n".join([*(f"{role}: {said}" for role, said in example.history), example.prompt])

    def check(self, encoded: Mapping[str, Encoded]) -> list[str]:
        """Raise RecipeError when answers of a split that is scored are longer than what may be generated."""
        for split, each in encoded.items():
            problem = too_short(reference_lengths(each), self.search.max_new_tokens)
            if problem and split != "train":
                raise RecipeError(f"{problem} (split {split})")
        return []

    def _check_room(self, max_length: int, before: int) -> None:
        """Raise RecipeError when an answer behind `before` pieces can become longer than a row."""
        if self.search.max_new_tokens + before > max_length:
            raise RecipeError(
                f"max_new_tokens: {self.search.max_new_tokens} and what stands before an answer do not fit "
                f"train.max_length, {max_length}; at most {max_length - before}"
            )


class CausalForm(GenerationForm):
    """Answers as the continuation of their prompts, by a decoder.

    A row is a prompt, its answer and the end token, in `max_length` pieces. So that each answer can be generated within
    them, a prompt leaves room for `max_new_tokens`, the same in training and testing.
    """

    auto_class = "AutoModelForCausalLM"
    task_type = "CAUSAL_LM"

    def __init__(
        self,
        *,
        search: Search | None = None,
        keep: End = "end",
        chat: bool = True,
        separator: str = "\n",
        last_logits: bool = False,
    ) -> None:
        self.search, self.keep = search or Search(), keep
        self.chat, self.separator, self.last_logits = chat, separator, last_logits

    def encode(
        self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[GenerationExample], max_length: int
    ) -> Encoded:
        """Tokenise prompts and answers apart, as generation meets them. Raises RecipeError when there is no room."""
        self._check_room(max_length, 1)
        prompter, end = for_decoder(tokenizer, self.keep, chat=self.chat, separator=self.separator)
        asked, rows, labels, shortened = [], [], [], 0
        answers = ids(tokenizer, [example.target for example in examples])
        for example, answer in zip(examples, answers, strict=True):
            prompt, whole = prompter.prompt(example.history, example.prompt, max_length - self.search.max_new_tokens)
            learned = _ended(answer, end, max_length - len(prompt))
            rows.append(np.concatenate([prompt, learned]))
            labels.append(np.concatenate([np.full_like(prompt, IGNORED), learned]))
            asked.append(Asked(prompt, len(answer) + 1, end, tokenizer))
            shortened += not whole or len(learned) <= len(answer)
        return Encoded(
            features={"input_ids": rows, TARGETS: labels},
            targets=np.asarray([int((row != IGNORED).sum()) for row in labels], dtype=np.int64),
            decoding=asked,
            truncated=shortened,
            padding={"input_ids": tokenizer.pad_token_id, TARGETS: IGNORED},
        )

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over the answers' pieces; the model's logits have shape (batch, length, vocabulary)."""
        return causal_losses(model, batch, batch[TARGETS], last_logits=self.last_logits)[0].sum()

    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], asked: Sequence[Asked]) -> Iterable[Array]:
        """Continue the prompts, padded on the left; the model numbers positions by the mask."""
        found: dict[int, Array] = {}
        for group in _groups([len(one.given) for one in asked], together=_takes_padding(model)):
            given = _padded_left([asked[i].given for i in group], asked[0].tokenizer.pad_token_id)
            inputs = {name: tensor.to(batch["input_ids"].device) for name, tensor in given.items()}
            generated: Tensor = _quietly(model, **inputs)
            found |= zip(group, generated[:, inputs["input_ids"].shape[1] :].cpu().numpy(), strict=True)
        return [found[i] for i in range(len(asked))]


class Seq2SeqForm(GenerationForm):
    """Answers by an encoder-decoder; the decoder reads the answer one piece behind.

    start: the decoder's first piece. What else the tokenizer puts before a target (BART's start, a language) is given
    as well, and neither learned nor generated.
    """

    auto_class = "AutoModelForSeq2SeqLM"
    task_type = "SEQ_2_SEQ_LM"

    def __init__(self, start: int, *, search: Search | None = None, keep: End = "end") -> None:
        self.start, self.search, self.keep = start, search or Search(), keep

    def encode(
        self, tokenizer: PreTrainedTokenizerFast, examples: Sequence[GenerationExample], max_length: int
    ) -> Encoded:
        """Tokenise sources and targets, each of at most `max_length` pieces. Raises RecipeError."""
        prompter = Plain(tokenizer, self.keep, *added(tokenizer))
        before, after = added(tokenizer, "text_target")
        given = np.concatenate([[self.start], before[1:] if before[:1].tolist() == [self.start] else before])
        self._check_room(max_length, len(given))
        end = int(after[-1]) if len(after) else end_token(tokenizer)
        sources = [prompter.prompt(example.history, example.prompt, max_length) for example in examples]
        answers = ids(tokenizer, [example.target for example in examples], "text_target")
        learned = [_ended(answer, end, max_length - len(given)) for answer in answers]
        labels = [np.concatenate([np.full(len(given) - 1, IGNORED), row]) for row in learned]
        return Encoded(
            features={
                "input_ids": [source for source, _ in sources],
                "decoder_input_ids": [np.concatenate([given, row[:-1]]) for row in learned],
                TARGETS: labels,
            },
            targets=np.asarray([len(row) for row in learned], dtype=np.int64),
            decoding=[Asked(given, len(answer) + 1, end, tokenizer) for answer in answers],
            truncated=sum(
                not whole or len(row) <= len(answer)
                for (_, whole), row, answer in zip(sources, learned, answers, strict=True)
            ),
            padding={
                "input_ids": tokenizer.pad_token_id,
                "decoder_input_ids": tokenizer.pad_token_id,
                TARGETS: IGNORED,
            },
        )

    def loss_sum(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy over the answers' pieces; the model's logits have shape (batch, answer, vocabulary)."""
        from torch.nn.functional import cross_entropy

        asked = batch[TARGETS] != IGNORED
        logits = forward(model, batch, use_cache=False).logits[:, -asked.shape[1] :]
        return cross_entropy(logits[asked].float(), batch[TARGETS][asked], reduction="sum")

    def generate(self, model: nn.Module, batch: Mapping[str, Tensor], asked: Sequence[Asked]) -> Iterable[Array]:
        """Generate from the sources of the batch."""
        import torch

        sources = {name: batch[name] for name in ("input_ids", "attention_mask")}
        given = torch.from_numpy(np.stack([one.given for one in asked])).to(batch["input_ids"].device)
        generated: Tensor = _quietly(model, **sources, decoder_input_ids=given)
        return list(generated[:, given.shape[1] :].cpu().numpy())


def reference_lengths(encoded: Encoded) -> Array:
    """Return how many pieces each right answer has, uncut, the end token among them: (examples,)."""
    return np.asarray([asked.reference for asked in encoded.decoding], dtype=np.int64)


def too_short(lengths: Array, max_new_tokens: int) -> str | None:
    """Return what is wrong when fewer than 95 % of answers of these lengths can be generated whole, else None."""
    if not len(lengths):
        return None
    needed = int(np.percentile(lengths, COVERED, method="inverted_cdf"))
    if needed <= max_new_tokens:
        return None
    reached = 100 * float((lengths <= max_new_tokens).mean())
    return (
        f"max_new_tokens: {max_new_tokens} word pieces reach {reached:.0f} % of the references; "
        f"{COVERED} % of them take {needed}"
    )


def _ended(answer: Array, end: int, room: int) -> Array:
    """Return an answer and its end; one that does not fit is cut and does not end."""
    return np.append(answer, end)[:room]


def _text(pieces: Array, ends: Sequence[int], tokenizer: PreTrainedTokenizerFast) -> str:
    """Return generated pieces up to the first end token as text."""
    stop = np.flatnonzero(np.isin(pieces, ends))
    chosen = pieces[: stop[0]] if len(stop) else pieces
    return str(tokenizer.decode(chosen.tolist(), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _padded_left(rows: Sequence[Array], padding: int) -> dict[str, Tensor]:
    """Return prompts as one batch, (rows, longest), with their mask."""
    import torch

    width = max(map(len, rows))
    batch = np.full((2, len(rows), width), [[[padding]], [[0]]], dtype=np.int64)
    for i, row in enumerate(rows):
        batch[0, i, width - len(row) :] = row
        batch[1, i, width - len(row) :] = 1
    return {"input_ids": torch.from_numpy(batch[0]), "attention_mask": torch.from_numpy(batch[1])}


def _groups(lengths: Sequence[int], *, together: bool) -> list[list[int]]:
    """Return which prompts are continued together: all, or those of one length each."""
    if together:
        return [list(range(len(lengths)))]
    return [[i for i, length in enumerate(lengths) if length == one] for one in sorted(set(lengths))]


def _takes_padding(model: nn.Module) -> bool:
    """Return whether prompts may be padded on the left.

    With virtual tokens before the text PEFT drops the positions, and padding between the two would count as text. A
    prefix lies in the cache and keeps its positions.
    """
    config = getattr(model, "active_peft_config", None)
    return config is None or not config.is_prompt_learning or config.peft_type in ("PREFIX_TUNING", "CARTRIDGE")


def _quietly(model: Any, **inputs: Tensor) -> Any:
    """Generate without PEFT's warning that positions are dropped, see `_takes_padding`."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Position ids are not supported")
        return model.generate(**inputs)


@contextmanager
def _searching(model: Any, search: Search, asked: Asked) -> Iterator[list[int]]:
    """Let the model generate by `search` alone inside the block, and give the pieces that end an answer.

    What a checkpoint says of beams, penalties, sampling or lengths would make scores of models incomparable; only what
    it says of special tokens holds: where to begin and end, and what never to give.
    """
    from transformers import GenerationConfig

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    own = base.generation_config
    ends = sorted(
        {asked.end, *np.atleast_1d([] if own.eos_token_id is None else own.eos_token_id).astype(int).tolist()}
    )
    base.generation_config = GenerationConfig(
        max_new_tokens=search.max_new_tokens,
        num_beams=search.num_beams,
        do_sample=False,
        use_cache=True,
        pad_token_id=asked.tokenizer.pad_token_id,
        eos_token_id=ends,
        decoder_start_token_id=own.decoder_start_token_id,
        bad_words_ids=own.bad_words_ids,
        suppress_tokens=own.suppress_tokens,
    )
    try:
        yield ends
    finally:
        base.generation_config = own
