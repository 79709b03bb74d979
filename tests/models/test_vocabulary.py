"""Unknown tokens are counted, and tokens without an embedding are found, before training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from pefbench.errors import DataError
from pefbench.models.vocabulary import doubts, grow, rows_to_add, sized_like, unknown_share
from tests import tiny
from tests.tokenizers import words

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, FIRST, LAST = range(4)


class Names(SimpleNamespace):
    """As much of a tokenizer as is asked for."""

    def __len__(self) -> int:
        return 10

    def convert_ids_to_tokens(self, number: int) -> str:
        return f"<{number}>"


def tokenizer(unknown: int | None = UNKNOWN, last: int = LAST) -> PreTrainedTokenizerFast:
    made = Names(
        unk_token_id=unknown,
        unk_token="[UNK]",
        pad_token_id=PAD,
        bos_token_id=None,
        eos_token_id=last,
        cls_token_id=FIRST,
        all_special_ids=[PAD, UNKNOWN, FIRST, last],
    )
    return cast("PreTrainedTokenizerFast", made)


def split(*rows: list[int], **others: list[list[int]]) -> Any:
    features = {"input_ids": [*rows]} | others
    return SimpleNamespace(features={name: [np.asarray(row) for row in of] for name, of in features.items()})


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        ([[FIRST, 5, 6, LAST]], 0.0),
        ([[FIRST, UNKNOWN, 5, LAST], [FIRST, 6, 7, LAST]], 0.25),
        ([[FIRST, UNKNOWN, LAST]], 1.0),
        ([[FIRST, LAST]], 0.0),
        ([], 0.0),
    ],
)
def test_the_share_is_that_among_the_tokens_of_the_text(rows: list[list[int]], share: float) -> None:
    assert unknown_share(split(*rows).features["input_ids"], tokenizer()) == share


def test_a_tokenizer_without_an_unknown_token_or_with_that_of_the_end() -> None:
    rows = split([5, UNKNOWN]).features["input_ids"]
    assert unknown_share(rows, tokenizer(None)) == 0
    assert unknown_share(rows, tokenizer(last=UNKNOWN)) == 0  # as in GPT-2


@pytest.mark.parametrize(
    ("unknown", "known", "said"), [(0, 99, []), (1, 100, []), (1, 99, ["1.0%"]), (49, 51, ["49.0%"])]
)
def test_a_warning_from_one_percent_on(unknown: int, known: int, said: list[str]) -> None:
    found = doubts({"train": split([UNKNOWN] * unknown + [5] * known)}, tokenizer(), 10)
    what = "of the train split's tokens are unknown to the model's tokenizer ([UNK])"
    assert found == [f"{share} {what}" for share in said]


def test_an_error_from_half_on() -> None:
    with pytest.raises(DataError, match=r"^50\.0% of the test split's tokens are unknown .*; the tokenizer was not"):
        doubts({"train": split([5]), "test": split([UNKNOWN, 5])}, tokenizer(), 10)


def test_a_token_without_an_embedding_is_named() -> None:
    assert doubts({"train": split([5, 9])}, tokenizer(), 10) == []
    with pytest.raises(DataError, match=r"^train split: the token '<9>' has id 9, but the model has 9 embeddings"):
        doubts({"train": split([5, 9])}, tokenizer(), 9)
    with pytest.raises(DataError, match="'<12>' has id 12"):
        doubts({"train": split([5], decoder_input_ids=[[12]])}, tokenizer(), 10)


def test_a_type_without_an_embedding_is_refused() -> None:
    rows = split([5, 6], token_type_ids=[[0, 1]])
    assert doubts({"train": rows}, tokenizer(), 10, 2) == []
    assert doubts({"train": rows}, tokenizer(), 10, None) == []
    with pytest.raises(DataError, match="the tokenizer uses token types 0 to 1, but the model has 1 "):
        doubts({"train": rows}, tokenizer(), 10, 1)


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "t5", "t5-gated", "bart", "marian"])
def test_a_model_that_has_grown_is_saved_and_loaded_with_its_size(tmp_path: Path, architecture: str) -> None:
    model: Any = tiny.model(architecture)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    grow(model, 3, "the model")
    model.save_pretrained(tmp_path)
    config = sized_like(tiny.config(architecture), model.config)
    loaded: Any = type(model).from_pretrained(tmp_path, config=config)
    for table in (loaded.get_input_embeddings().weight, loaded.get_output_embeddings().weight):
        assert len(table) == tiny.VOCABULARY + 3
    assert (loaded.get_input_embeddings().weight is loaded.get_output_embeddings().weight) == tied
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name
        if weight.shape == before[name].shape:
            assert torch.equal(weight, before[name]), name
        else:
            grown = weight.shape[-1] if weight.ndim == 2 and weight.shape[0] == 1 else len(weight)
            assert grown == tiny.VOCABULARY + 3, name


def test_rows_are_added_for_the_highest_token() -> None:
    tokenizer = words("bert")
    assert rows_to_add(tokenizer, tiny.VOCABULARY) == 0
    assert rows_to_add(tokenizer, tiny.VOCABULARY + 9) == 0
    tokenizer.add_tokens(["more", "words"])
    assert rows_to_add(tokenizer, tiny.VOCABULARY) == 2
