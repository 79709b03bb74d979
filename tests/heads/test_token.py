"""The token head: labels on first tokens only, and every word scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from pefbench.heads import IGNORED
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import TokenHead, space_before
from pefbench.trial.batching import collate
from tests.heads.answering import answering

if TYPE_CHECKING:
    from tests.worlds import World

LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
# Known words, words of several tokens, unknown words, and strings without any token.
WORDS = st.sampled_from(["the", "Anna", "Farah", "Sofia", "unheard", "", " ", "\u200b", "a-b", "Tunis", "."])


@pytest.fixture(scope="module")
def tokenizer(world: World) -> PreTrainedTokenizerFast:
    return cast("PreTrainedTokenizerFast", AutoTokenizer.from_pretrained(world.model))


def tokens(tokenizer: PreTrainedTokenizerFast, word: str) -> list[int]:
    """Return a word's tokens, found without the head's own alignment."""
    return [int(i) for i in tokenizer(word, add_special_tokens=False)["input_ids"]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(words=st.lists(st.tuples(WORDS, st.sampled_from(LABELS)), min_size=1, max_size=20), length=st.integers(4, 24))
def test_labels_lie_on_first_pieces_and_nowhere_else(
    tokenizer: PreTrainedTokenizerFast, words: list[tuple[str, str]], length: int
) -> None:
    example = TokenExample(tuple(word for word, _ in words), tuple(tag for _, tag in words))
    encoded = TokenHead(LABELS).encode(tokenizer, [example], length)
    expected = [IGNORED]
    for word, tag in words:
        expected += [LABELS.index(tag) if i == 0 else IGNORED for i, _ in enumerate(tokens(tokenizer, word))]
    expected = [*expected[: length - 1], IGNORED]
    assert encoded.features["labels"][0].tolist() == expected
    assert encoded.targets[0] == sum(label != IGNORED for label in expected)
    assert len(encoded.decoding[0]) == len(words)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(words=st.lists(WORDS, min_size=1, max_size=20), length=st.integers(4, 24))
def test_every_word_gets_a_prediction(tokenizer: PreTrainedTokenizerFast, words: list[str], length: int) -> None:
    head = TokenHead(LABELS)
    encoded = head.encode(tokenizer, [TokenExample(tuple(words), ("O",) * len(words))], length)
    logits = torch.zeros(1, int(encoded.lengths[0]), len(LABELS))
    logits[:, :, LABELS.index("B-PER")] = 1
    [tags] = head.predict(answering(logits), collate(encoded, [0]), encoded.decoding)
    room, used, expected = length - 2, 0, []
    for word in words:
        count = len(tokens(tokenizer, word))
        expected.append("B-PER" if count and used < room else "O")
        used += count
    assert tags == expected


def test_predictions_are_those_of_the_first_piece(tokenizer: PreTrainedTokenizerFast) -> None:
    head = TokenHead(LABELS)
    assert len(tokens(tokenizer, "Farah")) == 2
    encoded = head.encode(tokenizer, [TokenExample(("Farah", "the"), ("B-PER", "O"))], 16)
    logits = torch.zeros(1, 5, len(LABELS))  # [CLS] Far ##ah the [SEP]
    logits[0, 1, 3] = logits[0, 2, 1] = logits[0, 3, 0] = 1
    assert head.predict(answering(logits), collate(encoded, [0]), encoded.decoding) == [["B-PER", "O"]]


def test_the_loss_is_a_sum_over_first_pieces(tokenizer: PreTrainedTokenizerFast) -> None:
    head = TokenHead(LABELS)
    examples = [TokenExample(("Farah", "the"), ("B-PER", "O")), TokenExample(("a",), ("I-LOC",))]
    encoded = head.encode(tokenizer, examples, 16)
    batch = collate(encoded, [0, 1])
    logits = torch.randn(2, 5, len(LABELS), generator=torch.Generator().manual_seed(0))
    log_probabilities = logits.log_softmax(-1)
    expected = -(log_probabilities[0, 1, 3] + log_probabilities[0, 3, 0] + log_probabilities[1, 1, 2])
    assert head.loss_sum(answering(logits), batch).item() == pytest.approx(expected.item(), rel=1e-6)
    assert encoded.targets.tolist() == [2, 1]


def test_special_tokens_among_the_words_are_text(tokenizer: PreTrainedTokenizerFast) -> None:
    words = ("the", "[SEP]", "[MASK]", "the")
    [ids] = TokenHead(LABELS).encode(tokenizer, [TokenExample(words, ("O",) * 4)], 32).features["input_ids"]
    special = {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id}
    assert [token for token in ids.tolist() if token in special] == [tokenizer.cls_token_id, tokenizer.sep_token_id]


def test_what_is_cut_is_counted(tokenizer: PreTrainedTokenizerFast) -> None:
    examples = [TokenExample(("the",) * n, ("O",) * n) for n in (2, 3, 9)]
    encoded = TokenHead(LABELS).encode(tokenizer, examples, 5)
    assert encoded.truncated == 1
    assert encoded.lengths.tolist() == [4, 5, 5]
    assert np.asarray(encoded.targets).tolist() == [2, 3, 3]


def test_words_without_a_token_are_no_cut_and_are_told(tokenizer: PreTrainedTokenizerFast) -> None:
    head = TokenHead(LABELS)
    examples = [TokenExample(words, ("O",) * len(words)) for words in (("the", "\u00a0"), ("\u00a0", *["the"] * 9))]
    encoded = head.encode(tokenizer, examples, 5)
    assert encoded.truncated == 1
    assert head.remarks({"train": encoded, "test": head.encode(tokenizer, examples, 99)}) == [
        "train: 2 words without a token, always predicted as O",
        "test: 2 words without a token, always predicted as O",
    ]


def byte_level(*, after: str) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of the generic class, which ignores `add_prefix_space`; `after`: its decoder's spaces."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=["<pad>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator([after], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", add_prefix_space=True)


def test_words_are_read_as_in_running_text_where_a_tokenizer_ignores_the_option() -> None:
    tokenizer = byte_level(after="the good film " * 9)
    encoded = TokenHead(["O"]).encode(tokenizer, [TokenExample(("the", "good", "film"), ("O", "O", "O"))], 16)
    assert tokenizer.decode(encoded.features["input_ids"][0]) == " the good film"
    assert (encoded.decoding[0] != -1).all()


def test_words_stay_as_they_are_where_a_tokenizer_parts_them(tokenizer: PreTrainedTokenizerFast) -> None:
    assert space_before(tokenizer) == ""
