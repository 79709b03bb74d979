"""Tiny fast tokenizers in each architecture's style: of words that fit the tiny models, or of single bytes."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tests.tiny import END, PAD, START, VOCABULARY

UNKNOWN = 1
WORDS = tuple(f"w{i}" for i in range(END + 1, VOCABULARY))
"""All known words; `w7` is token 7."""

# Templates for one text and for two, and the special tokens for start and end.
_MANNERS = {
    "bert": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", "[CLS]", "[SEP]"),
    "roberta": ("<s> $A </s>", "<s> $A </s> </s> $B </s>", "<s>", "</s>"),
    "t5": ("$A </s>", "$A </s> $B </s>", "<s>", "</s>"),
    "llama": ("<s> $A", "<s> $A <s>:1 $B:1", "<s>", "</s>"),
    "gpt2": ("$A", "$A $B:1", "<s>", "</s>"),
}
_ARCHITECTURES = {
    "roberta": "roberta",
    "bart": "roberta",
    "t5": "t5",
    "t5-gated": "t5",
    "marian": "t5",
    "gpt2": "gpt2",
    "qwen2": "gpt2",
    "llama": "llama",
}

CHAT = (
    "{% for message in messages %}{{ '<s>' + message['role'] + '\n' + message['content'] + '</s>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
"""A chat template of the usual form: start token, role, message, end token."""


def words(architecture: str = "bert") -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words, split at white space, with an architecture's special tokens."""
    _, _, first, last = _MANNERS[_ARCHITECTURES.get(architecture, "bert")]
    vocabulary = {"[PAD]": PAD, "[UNK]": UNKNOWN, first: START, last: END}
    vocabulary |= {word: END + 1 + i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _dressed(tokenizer, architecture)


def single_bytes(architecture: str = "gpt2", **options: Any) -> PreTrainedTokenizerFast:
    """Return a tokenizer of 256 single bytes and four special tokens; decoding restores any text."""
    _, _, first, last = _MANNERS[_ARCHITECTURES.get(architecture, "bert")]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = {"[PAD]": PAD, "[UNK]": UNKNOWN, first: START, last: END}
    vocabulary = special | {byte: END + 1 + i for i, byte in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _dressed(tokenizer, architecture, **options)


def stripping() -> PreTrainedTokenizerFast:
    """Return a tokenizer of words that strips accents, as BERT's without case does."""
    tokenizer = words()
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    return tokenizer


def _dressed(tokenizer: Tokenizer, architecture: str, **options: Any) -> PreTrainedTokenizerFast:
    manner = _ARCHITECTURES.get(architecture, "bert")
    single, pair, first, last = _MANNERS[manner]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(first, START), (last, END)]
    )
    names = {"bos_token": first, "eos_token": last}
    if manner in ("bert", "roberta"):
        names |= {"cls_token": first, "sep_token": last}
    if manner == "bert":
        names = {"cls_token": first, "sep_token": last}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_max_length=64,
        **names,
        **options,
    )
