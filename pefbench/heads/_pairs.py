"""Two texts in one row, built from tokens: windows, candidates and truncation need more than a tokenizer call."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pefbench.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PretrainedConfig, PreTrainedTokenizerFast

Array = np.ndarray[Any, Any]
End = Literal["start", "end"]
"""Which end of a text is kept when it is too long."""
Side = Literal["text", "text_target"]
"""The kind of text to tokenise: a source, or a target, whose vocabulary may differ."""

SEGMENTS = "token_type_ids"


@dataclass(frozen=True)
class Tokens:
    """One text's tokens: ids (tokens,), and the character range of each, offsets (tokens, 2)."""

    ids: Array
    offsets: Array


@dataclass(frozen=True)
class Template:
    """The tokens that a tokenizer puts around two texts: before, between and after, each shape (n,).

    segments: the `token_type_ids` of the five parts of a row: before, first, between, second, after.
    """

    before: Array
    between: Array
    after: Array
    segments: tuple[int, int, int, int, int]

    @property
    def added(self) -> int:
        """The number of tokens that a row has in addition to its texts."""
        return len(self.before) + len(self.between) + len(self.after)

    def join(self, first: Array, second: Array) -> Array:
        """A row's ids."""
        return np.concatenate([self.before, first, self.between, second, self.after])

    def segments_of(self, first: int, second: int) -> Array:
        """A row's `token_type_ids` for texts with these numbers of tokens."""
        lengths = [len(self.before), first, len(self.between), second, len(self.after)]
        return np.repeat(np.asarray(self.segments, dtype=np.int64), lengths)

    def room(self, max_length: int) -> int:
        """The number of tokens that the two texts may have together. Raises RecipeError if it is less than two."""
        room = max_length - self.added
        if room < 2:
            raise RecipeError(
                f"train.max_length: {max_length} leaves no room for two texts beside {self.added} special tokens; "
                f"at least {self.added + 2}"
            )
        return room


def template(tokenizer: PreTrainedTokenizerFast) -> Template:
    """Determine what a tokenizer puts around two texts.

    If it puts nothing between them (GPT-2, Qwen2), a line break separates them.
    """
    probe = tokenizer("a", "a", return_token_type_ids=True)
    ids, types = (np.asarray(probe[name], dtype=np.int64) for name in ("input_ids", SEGMENTS))
    texts = [np.flatnonzero([text == which for text in probe.sequence_ids()]) for which in (0, 1)]
    (first, first_end), (second, second_end) = ((int(at[0]), int(at[-1]) + 1) for at in texts)
    between = ids[first_end:second]
    return Template(
        before=ids[:first],
        between=between if len(between) else _line_break(tokenizer),
        after=ids[second_end:],
        segments=(int(types[0]), int(types[first]), int(types[first_end]), int(types[second]), int(types[-1])),
    )


def added(tokenizer: PreTrainedTokenizerFast, side: Side = "text") -> tuple[Array, Array]:
    """The tokens that a tokenizer puts before and after one text; "text_target": the target of a translation."""
    text_ids, whole = (ids(tokenizer, ["a"], side, add_special_tokens=special)[0] for special in (False, True))
    before = next(at for at in range(len(whole)) if np.array_equal(whole[at : at + len(text_ids)], text_ids))
    return whole[:before], whole[before + len(text_ids) :]


def ids(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], side: Side = "text", *, add_special_tokens: bool = False
) -> list[Array]:
    """Tokenise texts; special tokens spelled out in them are read as text. side: see `added`."""
    if not texts:
        return []
    batch: Any = tokenizer(
        **{side: list(texts)},
        add_special_tokens=add_special_tokens,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # longer texts are truncated later
    )
    return [np.asarray(tokens, dtype=np.int64) for tokens in batch["input_ids"]]


def tokens(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[Tokens]:
    """Tokenise texts without special tokens, neither added ones nor ones spelled out in a text."""
    if not texts:
        return []
    batch = tokenizer(
        list(texts),
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        return_offsets_mapping=True,
        verbose=False,  # longer texts are truncated later
    )
    return [
        Tokens(np.asarray(ids, dtype=np.int64), np.asarray(offsets, dtype=np.int64).reshape(-1, 2))
        for ids, offsets in zip(batch["input_ids"], batch["offset_mapping"], strict=True)
    ]


def end_of(text: str, offsets: Any, token: int) -> int:
    """Where a token ends in its text, including the combining marks on its last letter.

    Tokenizers that strip accents, such as uncased BERT's, assign these marks to no token. offsets: see `Tokens`.
    """
    end = int(offsets[token][1])
    stop = int(offsets[token + 1][0]) if token + 1 < len(offsets) else len(text)
    while end < stop and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


def fitting(wanted: int, other: int, room: int) -> int:
    """How many of `wanted` tokens a text keeps beside `other` tokens: the rest of the room, or at least half of it."""
    return min(wanted, max(room // 2, room - other))


def tells_segments(config: PretrainedConfig) -> bool:
    """Whether a model distinguishes the two texts of a row by `token_type_ids`."""
    return (getattr(config, "type_vocab_size", None) or 0) > 1


def _line_break(tokenizer: PreTrainedTokenizerFast) -> Array:
    """The tokens of a line break, or the end token if the tokenizer has none for it."""
    ids = tokenizer("\n", add_special_tokens=False)["input_ids"] or [end_token(tokenizer)]
    return np.asarray(ids, dtype=np.int64)


def end_token(tokenizer: PreTrainedTokenizerFast) -> int:
    """The token that ends a text; every loaded tokenizer has at least a padding token."""
    known = (tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    return next(int(token) for token in known if token is not None)


def cut(ids: Array, length: int, keep: End) -> Array:
    """At most `length` tokens, from the start or the end of a text."""
    return ids[:length] if keep == "start" else ids[max(0, len(ids) - length) :]
